# Textes de la console. Une clé par texte ; les mêmes clés dans en.ftl.

# Cadre
skip-to-content = Aller au contenu
menu = Rubriques
menu-home = Accueil
menu-runs = Exécutions
menu-preview = Aperçu
menu-people = Personnes
menu-slots = Créneaux
menu-letters = Courriers
menu-requests = Demandes
menu-counter = Guichet
menu-audit = Audit
signed-in-as = Connecté :
sign-out = Se déconnecter
other-language = English

# Connexion
sign-in-title = Connexion
sign-in-provider = Se connecter avec son compte professionnel
sign-in-local = Compte de secours
sign-in-local-why = Quand le fournisseur d’identité ne répond pas.
sign-in-login = Identifiant
sign-in-password = Mot de passe
sign-in-digits = Code à usage unique
sign-in-digits-hint = Six chiffres, si ce compte en demande.
sign-in-submit = Se connecter
sign-in-wrong = Identifiant, mot de passe ou code inexact.
sign-in-locked = Trop d’essais : ce compte attend quelques minutes.
sign-in-not-awaited = Ce retour n’était pas attendu, ou vient trop tard : recommencez.
sign-in-no-role = Votre compte ne donne aucun rôle ici : demandez-le à votre administrateur.
sign-in-provider-away = Le fournisseur d’identité ne répond pas comme il faut. Un compte de secours ouvre aussi.

# Accueil
home-title = Accueil
home-night-late = La nuit du { $day } est en retard. { $why }
home-night-failed = La nuit du { $day } n’a pas abouti et attend quelqu’un. { $why }
home-paused = L’envoi des lettres est suspendu.
home-working = Une exécution est en cours.
home-last = Dernière nuit
home-no-night = Aucune nuit n’a encore eu lieu.
home-firm = Rendez-vous devenus fermes
home-planned = Prévus, pas encore fermes
home-lapses = Sans date avant l’expiration
home-letters = Lettres mises en file
home-next = Prochaine nuit
home-next-never = Aucune n’est prévue.
home-to-preview = Voir ce qu’elle ferait
home-seats = Personnes et places
home-due = Personnes à convoquer
home-free = Places libres, douze semaines
home-last-slot = Dernier créneau connu
home-no-slot = aucun
home-to-slots = Voir les créneaux
home-waiting = Lettres qui attendent quelqu’un
home-nothing-waits = Aucune.
home-to-post = à poster

# Exécutions
# ----

# ----

# Aperçu
# ----

# ----

# Personnes
# ----
reason = Raison
people-title = Personnes
people-search = Nom, numéro, référence, courriel ou téléphone
people-search-hint = Dans n’importe quel ordre, sans souci des accents ; une faute de frappe est pardonnée dans les mots de quatre lettres ou plus.
people-search-submit = Chercher
people-found = Personnes trouvées
people-count = { $n ->
    [one] { $shown } personne
   *[other] { $shown } personnes
}
people-at-least = Au moins { $shown } personnes
people-more = { $n ->
    [one] Et { $shown } autre : tapez davantage du nom.
   *[other] Et { $shown } autres : tapez davantage du nom.
}
people-nobody-named = Personne. Essayez moins de mots, un nom d’usage ou un numéro.
people-nobody = Personne. Essayez un autre de : nom, numéro étranger, numéro de titre, référence, courriel, téléphone.
people-behind = Une version antérieure du programme a lu la dernière extraction : « convoke migrate » fait connaître ses noms à la recherche.
people-name = Personne
people-number = n° { $what }
people-born = Né(e) le
people-permits = Titres
people-until = expire le { $day }
people-not-examined = pas encore examiné
people-appointment = Rendez-vous
people-no-appointment = aucun
person-title = Personne
person-back = Retour à la recherche
person-is-held = suspendu
person-number = Numéro étranger
person-family-name = Nom de famille
person-born = Né(e) le
person-email = Courriel
person-no-email = aucun
person-email-refused = L’adresse { $what } a renvoyé une lettre.
person-phone = Téléphone
person-none = aucun
person-address = Adresse
person-channel = Lettres par
person-language = Langue
person-permits = Titres
person-no-permit = Aucun titre connu.
person-appointment = Rendez-vous
person-no-appointment = Aucun rendez-vous en cours.
person-to-mark = Saisir la présence à ce rendez-vous
person-other-dates = Proposer une autre date
person-cancel = Annuler ce rendez-vous
person-cancel-what = La place est rendue à la prochaine nuit, une lettre prévient la personne, et elle sera de nouveau convoquée ; pour l’éviter, suspendez d’abord son titre.
person-on-whose-wish = À la demande de
person-by-office = la préfecture
person-by-holder = la personne
person-type-reference = Pour confirmer, recopiez la référence { $what }
person-cancel-submit = Annuler le rendez-vous
person-cancelled = Rendez-vous annulé.
person-acts = Agir
person-reason-hint = Chaque acte demande une raison ; elle reste au registre pour toujours : n’y nommez personne.
person-mend = Corriger l’adresse électronique
person-mend-what = La nouvelle adresse vaut jusqu’à ce que l’extraction en donne une autre. La lettre d’un rendez-vous à venir qui n’est pas arrivée est réécrite aussitôt.
person-email-new = Nouvelle adresse
person-email-none = La personne n’a plus d’adresse électronique : ses lettres vont par la poste.
person-email-submit = Enregistrer l’adresse
person-email-which = Donnez une adresse, ou cochez que la personne n’en a plus : l’un des deux.
person-email-set = Adresse enregistrée.
person-email-same = C’était déjà ainsi.
person-email-again = La lettre du rendez-vous à venir n’était pas arrivée : elle part à la nouvelle adresse.
person-email-post = La lettre du rendez-vous à venir n’était pas arrivée : elle attend la poste.
person-email-told = L’ancienne adresse avait reçu la lettre : elle est prévenue, une dernière fois, du changement.
person-hold = Suspendre
person-hold-what = Aucune nuit ne convoque plus cette personne, et ses lettres non parties attendent. Un rendez-vous donné reste.
person-hold-submit = Suspendre les titres
person-held = Suspendu : aucune nuit ne convoque cette personne.
person-not-held = Rien n’a changé : déjà suspendu, ou aucun titre en cours.
person-release = Lever la suspension
person-release-what = La prochaine nuit examine de nouveau cette personne, et ses lettres retenues partent.
person-release-submit = Lever la suspension des titres
person-released = Suspension levée : la prochaine nuit examine de nouveau cette personne.
person-not-released = Rien n’a changé : aucun titre n’est suspendu.
person-appointment-stands = Le rendez-vous { $what } reste : annulez-le s’il n’a plus lieu.
person-request = Enregistrer une demande écrite
person-wish = Ce qui est demandé
person-received = Reçue le
person-needed-by = Pour être vue au plus tard le (facultatif)
person-request-submit = Enregistrer la demande
person-request-future = Une demande ne peut pas avoir été reçue un jour à venir.
person-request-added = Demande enregistrée : { $what }. La prochaine nuit lui cherche une place.
person-request-added-other = Demande enregistrée : { $what }. Aucune nuit n’y répond : décidez-la.
person-requests = Demandes écrites
person-letters = Lettres
person-no-letter = Aucune lettre.
person-letter-count = { $n ->
    [one] { $shown } lettre, la plus récente d’abord
   *[other] { $shown } lettres, les plus récentes d’abord
}
person-letter = Lettre
person-letter-written = Écrite
person-letter-state = État
person-letter-acts = Que faire
person-letter-print = Imprimer (PDF)
person-letter-gone = Contenu effacé
person-letter-retry = Renvoyer
person-letter-release = Laisser partir
person-letter-turned = État de la lettre : { $state }.
person-letter-erased = Ce que disait cette lettre a été effacé au terme de sa conservation.
person-letter-no-pdf = Cette lettre n’a pas de PDF : elle ne peut pas être mise en page.
person-letter-differs = Lettre différente de celle envoyée
person-letter-differs-what = La lettre { $what } ne peut pas être montrée à l’octet près telle qu’elle a été envoyée. Ont changé depuis :
person-letter-as-now = Télécharger telle qu’elle serait aujourd’hui
person-changed-templates = les modèles de lettres
person-changed-fonts = les polices
person-changed-engine = le programme qui met en page
person-changed-data = les données de la lettre
person-way-email = La lettre qui le dit part par courriel.
person-way-post = La lettre qui le dit attend la poste.
person-way-late = La lettre qui le dit arriverait trop tard : appelez la personne.
person-history = Historique
person-no-history = Rien n’est encore arrivé.
person-by = par { $who }
dates-title = Autre date
dates-back = Retour à la personne
dates-reference = Référence
dates-now = Rendez-vous actuel
dates-expiry = Fin de validité du titre
dates-avoided = Jours à éviter
dates-from-to = du { $first } au { $last }
dates-offered = Places possibles
dates-cost-nobody = Aucune ne prive qui que ce soit d’une date avant l’expiration de son titre.
dates-none = Aucune autre place ne peut être donnée sans priver quelqu’un d’une date avant l’expiration.
dates-count = { $n ->
    [one] { $shown } jour, le plus proche d’abord
   *[other] { $shown } jours, les plus proches d’abord
}
dates-day = Jour
dates-hours = Heures libres
dates-place = Lieu
dates-move = Déplacer le rendez-vous
dates-to = Nouveau créneau
dates-another = Un créneau qui n’est pas proposé
dates-slot = Créneau
dates-slot-hint = site/guichet/AAAA-MM-JJTHH:MM. S’il est rempli, il remplace le choix ci-dessus.
dates-despite = Déplacer même si quelqu’un reste alors sans date avant l’expiration de son titre
dates-no-slot = Ce n’est pas un créneau : site/guichet/AAAA-MM-JJTHH:MM.
dates-move-submit = Déplacer le rendez-vous et prévenir la personne
dates-moved = Nouveau rendez-vous le { $day }, référence { $what }.
dates-avoid = Noter des jours à éviter
dates-avoid-what = Les jours où la personne ne peut pas venir sont gardés, pour cette fois et la prochaine.
dates-first = Premier jour
dates-last = Dernier jour (facultatif)
dates-avoid-submit = Noter ces jours
dates-noted = Jours à éviter notés.
dates-backwards = Le dernier jour précède le premier.
# ----

# Créneaux
# ----

# ----

# Courriers
# ----

# ----

# Demandes
# ----
requests-title = Demandes écrites
requests-by-state = Demandes par état
requests-how = Une demande s’enregistre sur la page de la personne. Chaque nuit sert les demandes en attente, sauf « autre », qu’un agent décide.
requests-none = Aucune demande dans cet état.
requests-most-urgent-first = la plus urgente d’abord
requests-latest-first = la plus récente d’abord
requests-request = Demande
requests-wish = Vœu
requests-received = Reçue le
requests-needed-by = À voir avant le
requests-rights = Droits jusqu’au
requests-now = Situation
requests-convoked = convoquée pour le { $day }
requests-answer = Rendez-vous donné
requests-decided = Décidée
requests-next = Suite
requests-csv = Exporter en CSV
requests-xlsx = Exporter pour un tableur (XLSX)
request-title = Demande écrite
request-heading = Demande { $what }
request-back = Retour aux demandes
request-state = État
request-permit = Titre
request-appointment = Rendez-vous actuel
request-person = Voir la personne
request-decide = Décider
request-place = Donner une place
request-place-what = La place est donnée maintenant, et une lettre le dit à la personne.
request-no-seat = Aucune place libre dans les soixante jours aux guichets compétents.
request-seat = Place libre
request-other-slot = Ou un autre créneau
request-despite = Donner la place même si quelqu’un reste alors sans date avant l’expiration de son titre
request-place-submit = Donner cette place
request-placed = Place donnée le { $day }, référence { $what }.
request-end = Refuser, ou noter que la personne y renonce
request-no-letter = Aucune lettre ne le dit : prévenez la personne.
request-refuse-submit = Refuser la demande
request-withdraw-submit = La personne y renonce
request-refused = Demande { $what } refusée. Aucune lettre ne le dit : prévenez la personne.
request-withdrawn = Demande { $what } retirée.
# ----

# Guichet
# ----
counter-title = Guichet
counter-day = Jour
counter-show = Afficher ce jour
counter-previous = Jour précédent : { $day }
counter-next = Jour suivant : { $day }
counter-sites = Sites
counter-site-closed = Le site est fermé ce jour : { $reason }.
counter-desk-closed = Attention, ce guichet est fermé ce jour ({ $reason }) et ces personnes y sont convoquées.
counter-nobody = Aucun rendez-vous ce jour.
counter-no-site = L’agenda n’a aucun site.
counter-expected = { $n ->
    [one] { $shown } rendez-vous
   *[other] { $shown } rendez-vous
}
counter-sheet-pdf = Feuille du guichet (PDF)
counter-sheet-csv = Feuille à remplir (CSV)
counter-door-pdf = Liste pour la porte, sans nom (PDF)
counter-to-come = La présence se saisit à partir du jour du rendez-vous.
counter-for-good = Une saisie est définitive : la nuit agit d’après elle. « Annulé » rend la place et n’écrit aucune lettre.
counter-at-desk = { $n ->
    [one] { $shown } personne attendue
   *[other] { $shown } personnes attendues
}
counter-hour = Heure
counter-name = Nom
counter-born = Né(e) le
counter-what = Titre
counter-reference = Référence
counter-presence = Présence
counter-erased = (données effacées)
counter-mark-of = Présence de { $name }, { $hour }
counter-came = venu
counter-absent = absent
counter-incomplete = dossier incomplet
counter-cancelled = annulé
counter-submit = Enregistrer les présences
counter-too-soon = Ce jour n’est pas encore venu.
counter-nothing-chosen = Aucune présence n’est choisie.
counter-marked = { $n ->
    [one] { $shown } présence saisie.
   *[other] { $shown } présences saisies.
}
counter-known = { $n ->
    [one] { $shown } était déjà saisie ainsi.
   *[other] { $shown } étaient déjà saisies ainsi.
}
counter-wrong = Non saisie : { $what }, déjà « { $state } » ; une saisie est définitive.
counter-more-wrong = { $n ->
    [one] Et { $shown } autre non saisie.
   *[other] Et { $shown } autres non saisies.
}
counter-state-unknown = autre
counter-awaiting = Présences à saisir
counter-none-awaits = Aucun rendez-vous passé n’attend de saisie.
counter-awaiting-why = Ces personnes ne sont pas convoquées de nouveau tant que leur présence n’est pas saisie ; passé le délai, la nuit les compte absentes.
counter-to-mark = { $n ->
    [one] { $shown } rendez-vous
   *[other] { $shown } rendez-vous
}
counter-more-awaiting = { $n ->
    [one] Et { $shown } autre jour.
   *[other] Et { $shown } autres jours.
}
# ----

# Audit
# ----

# ----

# Refus et erreurs
failed-title = Cela n’a pas été fait
failed-missing = Il n’y a rien à cette adresse.
failed-forbidden = Votre rôle ne permet pas cette page.
failed-unreadable = Cette demande est incomplète : revenez à la page précédente.
failed-unconfirmed = La confirmation ne correspond pas à ce qui était demandé.
failed-too-often = Trop de demandes en peu de temps : attendez une minute.
failed-broken = Erreur inattendue : elle est dans le journal du serveur.
failed-unchanged = Rien n’a été changé.
failed-home = Retour à l’accueil
reason-missing = Une raison est nécessaire : elle reste au registre.
reason-personal = La raison reste au registre pour toujours : ni numéro étranger, ni téléphone, ni adresse électronique.
refused-nobody = Personne n’a ce numéro dans cette préfecture.
refused-no-convocation = La convocation { $what } n’existe pas.
refused-over = La convocation { $what } n’est plus en cours : { $state }.
refused-past = Le rendez-vous { $what } a eu lieu le { $day } : saisissez la présence.
refused-no-slot = Le créneau { $what } n’existe pas.
refused-wrong-desk = Le guichet du créneau { $what } ne traite pas ce titre, ou pas cette commune.
refused-no-seat = Il n’y a plus de place au créneau { $what }.
refused-would-lapse = Déplacer vers { $what } priverait quelqu’un d’une date avant l’expiration.
refused-moved-before = La personne a déjà déplacé ce rendez-vous une fois.
refused-no-address = Ce n’est pas une adresse électronique à laquelle écrire.
refused-no-request = La demande { $what } n’existe pas.
refused-request-open = La personne a déjà une demande ouverte : { $what }.
refused-request-over = La demande { $what } n’est plus ouverte.
refused-not-to-be-seen = Le titre de la demande { $what } est suspendu, déposé, renouvelé ou retiré.
refused-no-letter = La lettre { $what } n’existe pas.
refused-letter-stands = Cette lettre est { $state } : cela ne se peut pas maintenant.
refused-no-place = Il n’y a pas de site ni de guichet { $what }.
refused-day-past = Le { $day } est passé.
refused-unsettled = Les données changeaient pendant ce temps : réessayez quand imports et exécutions sont finis.
