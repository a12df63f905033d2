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
menu-undo = Annuler
menu-audit = Audit
signed-in-as = Connecté :
sign-out = Se déconnecter
other-language = English
reason = Motif
list-any = Tous
list-filter = Filtrer
list-keep = Exporter cette liste :

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
sign-in-wrong = Identifiant, mot de passe ou code inexact. Après plusieurs essais, il faut attendre quelques minutes.
sign-in-ended = Votre session a expiré : rien de ce que vous veniez d’envoyer n’a été enregistré.
sign-in-not-awaited = Ce retour n’était pas attendu, ou vient trop tard : recommencez.
sign-in-no-role = Votre compte ne donne aucun rôle ici : demandez-le à votre administrateur.
sign-in-provider-away = Le fournisseur d’identité ne répond pas comme il faut. Un compte de secours ouvre aussi.

# Accueil
home-title = Accueil
home-night-late = La nuit du { $day } est en retard. { $why }
home-night-failed = La nuit du { $day } n’a pas abouti et attend quelqu’un. { $why }
home-paused = L’envoi des lettres est suspendu.
home-working = Une exécution est en cours.
home-left = Une exécution s’est arrêtée en chemin : reprenez-la, ou attendez la prochaine nuit qui la finira.
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
reason-hint = Il reste au registre : ne nommez personne.
job-busy = Ce travail est déjà en cours : attendez qu’il finisse.
job-broken = Erreur inattendue : elle est dans le journal du serveur.
job-refused = Cela n’a pas été fait : { $why }
job-began = Demandé par { $who }, le { $when }.
stage-beginning = Préparation…
stage-reading = Lecture et examen des titres…
stage-planning = Planification…
stage-storing = Enregistrement des issues…
stage-convoking = Rendez-vous rendus fermes…
stage-writing = Écriture des lettres…
stage-weeks = Calcul des semaines à venir…
stage-laying = Mise en page des lettres…
stage-verifying = Vérification du registre…
runs-title = Exécutions
runs-back = Toutes les exécutions
runs-caption = Exécutions, la dernière d’abord
runs-none = Aucune exécution.
runs-night = Nuit
runs-generation = reprise nº { $n }
runs-state = État
runs-by = Par
runs-why = Motif
runs-firm = Fermes
runs-lapses = Sans date
runs-started = Début
runs-next = Suite
runs-active = Une exécution est en cours, par un autre processus :
runs-committed = { $n ->
    [0] Aucun rendez-vous enregistré jusqu’ici.
    [one] { $shown } rendez-vous enregistré jusqu’ici.
   *[other] { $shown } rendez-vous enregistrés jusqu’ici.
 }
runs-last-here = Dernière exécution demandée ici, finie le { $when } :
runs-more = En savoir plus sur cette exécution
runs-update = Mettre à jour
runs-begun = C’est commencé.
runs-busy = Une exécution est déjà en cours : attendez qu’elle finisse.
runs-old-extract = La dernière extraction est du { $day } : trop ancienne, des titres déjà renouvelés seraient convoqués. Importez-en une nouvelle.
runs-done-firm = { $n ->
    [0] Terminé : aucun rendez-vous n’est devenu ferme.
    [one] Terminé : { $shown } rendez-vous est devenu ferme.
   *[other] Terminé : { $shown } rendez-vous sont devenus fermes.
 }
runs-done-letters = { $n ->
    [0] Aucune lettre écrite.
    [one] { $shown } lettre écrite.
   *[other] { $shown } lettres écrites.
 }
runs-done-lapses = { $n ->
    [one] { $shown } personne reste sans date avant l’expiration.
   *[other] { $shown } personnes restent sans date avant l’expiration.
 }
runs-nothing-new = Rien de nouveau : le { $day } est à jour.
runs-cut-off = Rien n’a été fait : l’exécution { $what } a été interrompue. Reprenez-la d’abord, depuis sa page.
runs-too-many = Rien n’a été écrit : cette exécution rendrait { $firm } rendez-vous fermes, plus que le maximum ({ $max }). Si c’est juste, exécutez exactement ce plan depuis l’aperçu.
runs-plan-changed = Rien n’a été écrit : le plan n’est plus celui qui a été montré.
update-title = Mettre à jour
update-first = Comptez d’abord les lettres que cette exécution écrirait : rien n’est écrit.
update-count = Compter les lettres
update-counting = Les lettres sont comptées : rien n’est écrit.
update-would = L’exécution du { $day } ferait ceci, compté le { $when } :
update-letters = Lettres à écrire, rendez-vous fermes
update-see-all = Voir tout le plan
update-go-preview = Aller à l’aperçu
update-over-max = C’est plus que le maximum d’une exécution ({ $max }). Si c’est juste, exécutez exactement ce plan depuis l’aperçu.
update-do = Faire cette exécution
update-type = Pour confirmer, tapez le nombre de lettres : { $n }
update-not-counted = Comptez d’abord les lettres.
update-stale = Les données ont changé depuis que les lettres ont été comptées : comptez à nouveau.
update-stale-since = Les données ont changé depuis le { $when } : comptez à nouveau.
changed-title = Le plan a changé
changed-told = Rien n’a été écrit. Le { $when }, le plan n’était plus celui qui avait été montré.
changed-asked = Plan demandé
changed-now = Plan d’alors
changed-what = Ce qui a changé
changed-unknown = Le plan demandé n’est plus connu ici : ce qui diffère ne peut pas être listé.
changed-next = Recalculer l’aperçu
differ-none = Personne n’a un autre jour, et aucune place n’est apparue ou partie.
differ-people = Personnes
differ-what = Ce qui diffère
differ-count = Nombre
differ-permits = Titres, par exemple
differ-people-new = planifiées maintenant, et ne l’étaient pas
differ-people-gone = ne sont plus planifiées
differ-people-changed = avec un autre titre, préavis, lieu ou foyer
differ-firm-new = fermes maintenant, et ne l’auraient pas été
differ-firm-gone = ne sont plus fermes
differ-moved = un autre jour ou à un autre guichet
differ-lapses-new = sans jour avant l’expiration maintenant
differ-lapses-gone = avec un jour avant l’expiration maintenant, ou plus planifiées
differ-seats = Places libres
differ-desk = Guichet
differ-week = Semaine du
differ-before = Avant
differ-after = Après
differ-more = { $n ->
    [one] Et { $shown } autre ligne.
   *[other] Et { $shown } autres lignes.
 }
compare-title = Comparer à une autre exécution
compare-with = Exécution
compare-do = Comparer
compare-from-to = De { $before } à { $after }.
compare-plans = Plans
compare-rules = Règles qui ont changé
compare-outcomes = Issues
compare-permits = Titres par issue
compare-rule = Issue
compare-no-plan = L’exécution { $run } n’a pas enregistré de plan.
run-title = Exécution
run-of = Exécution du { $day }
run-number = Numéro
run-failure = Cause
run-ended = Fin
run-left = Le processus qui y travaillait s’est arrêté : reprenez cette exécution, ou attendez la prochaine nuit qui la finira.
run-elsewhere = Un processus y travaille.
run-no-plan = Cette exécution n’a pas enregistré de plan : elle n’a rien écrit.
run-funnel = Des titres aux lettres
run-funnel-picture = Image des titres aux lettres
run-stage = Étape
run-count = Nombre
run-lapses = Sans date avant l’expiration
run-no-lapse = Personne.
run-letters = Lettres
run-letters-now = Lettres de cette exécution, aujourd’hui
run-no-letter = Aucune lettre.
run-channel = Voie
run-failures = Échecs par cause
run-no-failure = Aucun.
run-by-cause = Lettres qui ne sont pas arrivées, ou pas encore
run-cause = Cause
run-example = Par exemple
run-perhaps-twice = { $n ->
    [one] { $shown } lettre a peut-être été reçue deux fois :
   *[other] { $shown } lettres ont peut-être été reçues deux fois :
 }
run-proof = Preuves
run-certificate = Certificat
run-plan-hash = Empreinte du plan
run-input-hash = Empreinte des données
run-policy-hash = Empreinte des règles
run-ledger = Registre à la fin : entrées, racine
run-files = Pièces du rapport
run-files-why = Le rapport est fait à la demande : la nuit est planifiée à nouveau pour le prouver. Les titres y figurent par leur identifiant, personne n’y est nommé.
run-files-make = Préparer les pièces
run-files-begun = Les pièces sont en préparation.
run-files-made = Les pièces sont prêtes.
run-file-html = Ouvrir le rapport
run-file-pdf = Rapport à imprimer (PDF)
run-file-json = Rapport en données (JSON)
run-file-xlsx = Toutes les listes (tableur)
run-file-rules = Titres par issue (CSV)
run-file-lapses = Sans date avant l’expiration (CSV)
run-file-listed = Titres à regarder (CSV)
run-file-letters = Lettres (CSV)
run-file-occupancy = Occupation des guichets (CSV)
run-file-outcomes = Chaque titre et son issue (CSV)
run-file-whole = Dossier complet à vérifier (ZIP)
run-acts = Agir
run-resume = Reprendre cette exécution
run-resume-why = À faire si le processus a été tué. Ce qui est enregistré le reste, rien n’est fait deux fois.
run-stop = Arrêter cette exécution
run-stop-why = Ce qui est enregistré le reste, avec ses lettres ; la prochaine exécution planifie à nouveau pour les autres.
run-stop-type = Pour confirmer, tapez le numéro de l’exécution : { $run }
run-stopped = Arrêtée. Rendez-vous fermes qui restent : { $committed } ; qui n’ont pas été pris : { $left }.
run-nothing-decided = Rien n’a changé : cette exécution avait été interrompue avant d’avoir rien décidé. Mettez à jour : les lettres sont d’abord comptées.
run-had-ended = Rien n’a changé : cette exécution était finie.
# ----

# Aperçu
# ----
preview-title = Aperçu
preview-what = Ce que la prochaine exécution ferait. Rien n’est écrit.
preview-compute = Calculer l’aperçu
preview-begun = L’aperçu est en cours de calcul.
preview-computed = L’aperçu est calculé.
preview-none = Aucun aperçu n’a encore été calculé ici.
preview-back = Aperçu
preview-of = Nuit du { $day }, calculée le { $when }.
preview-stale = Les données ont changé depuis : calculez l’aperçu à nouveau.
preview-settled = Rien de nouveau : une exécution de ce jour a fait tout ce qu’il y avait à faire.
preview-chart = Ce qui serait fait
preview-picture = Image de ce qui serait fait
preview-letters = { $n ->
    [0] Aucune lettre ne serait écrite.
    [one] { $shown } lettre serait écrite.
   *[other] { $shown } lettres seraient écrites.
 }
preview-scanned = { $n ->
    [0] Aucun titre examiné.
    [one] { $shown } titre examiné.
   *[other] { $shown } titres examinés.
 }
preview-firm = Fermes, avant l’expiration
preview-late-firm = Fermes, après l’expiration
preview-requests = Demandes écrites satisfaites hors plan
preview-planned = Prévus, pas encore fermes
preview-late-planned = Prévus après l’expiration
preview-lapses = Sans date avant l’expiration
preview-no-day = Sans date : aucun jour possible
preview-no-seat = Sans date : faute de place
preview-without-seat = Sans aucune place, même après
preview-missing = Places qui manquent
preview-missing-told = Places à ajouter : { $seats }. Personnes qui auraient alors une date avant l’expiration : { $people }.
preview-seats = Places
preview-where = Où et quand
preview-sites = Rendez-vous et places par site
preview-site = Site
preview-col-firm = Fermes
preview-col-planned = Prévus
preview-col-left = Places libres ensuite
preview-desks = Rendez-vous fermes par guichet et semaine
preview-weeks-csv = Semaines en CSV
preview-weeks-xlsx = Semaines en tableur
preview-firm-csv = Rendez-vous fermes, par identifiant de titre, en CSV
preview-permits = Titres examinés
preview-by-rule = Titres par issue
preview-since = Depuis l’aperçu du { $when }
preview-closed = Fermé : aucun plan ne vaut mieux
preview-open = Ouvert : il n’est pas prouvé qu’aucun plan ne vaut mieux
preview-carry-out = Exécuter exactement ce plan
preview-carry-out-why = Si le plan n’est plus le même à ce moment, rien n’est écrit, et ce qui a changé est montré.
preview-another = Ce plan n’est plus celui qui est montré : revenez à l’aperçu.
preview-letters-title = Lettres du plan
preview-see-letters = Voir quelques lettres telles qu’elles seraient écrites
preview-letters-why = { $n ->
    [one] { $shown } lettre peut être ouverte. Elle nomme une personne : le registre garde qui l’a demandée, et pourquoi.
   *[other] { $shown } lettres peuvent être ouvertes. Elles nomment des personnes : le registre garde qui les a demandées, et pourquoi.
 }
preview-open-letters = Ouvrir les lettres
preview-letters-opened = { $n ->
    [one] { $shown } lettre ouverte.
   *[other] { $shown } lettres ouvertes.
 }
preview-no-letter = Aucune lettre ne serait écrite, ou l’aperçu n’est pas calculé.
preview-letter-title = Lettre
preview-letter-n = Lettre nº { $n }
preview-subject = Objet
preview-pdf = Lettre en PDF
preview-no-pdf = Cette lettre n’aurait pas de PDF : un signe manque aux polices.
preview-ics = Rendez-vous pour l’agenda (ICS)
preview-mail = Courriel
preview-calendar = Rendez-vous pour l’agenda
# ----

# Personnes
# ----
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
person-never-told = Personne n’en avait été prévenu : aucune lettre n’est écrite.
person-acts = Agir
person-reason-hint = Chaque acte demande un motif ; il reste au registre pour toujours : n’y nommez personne.
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
slots-title = Créneaux
slots-to-weeks = Semaines à venir : les places qui manqueront
slots-to-closing = Fermer un jour
slots-last-closing = Dernière fermeture demandée ici, finie le { $when } :
slots-see-expected = Voir qui était attendu
slots-chart = Places prises, douze semaines
slots-chart-reads = Barres : places prises. Traits : places.
slots-picture = Image des places prises
slots-heat = Occupation par guichet et semaine
slots-heat-reads = Places prises / places. Plus c’est foncé, plus c’est plein ; ● : complet.
slots-caption = Places prises et places, par semaine
slots-full = complet
slots-all = Tous les guichets
slots-none = L’agenda n’a aucun guichet.
slots-next = Guichets suivants
slots-csv = Occupation en CSV
slots-xlsx = Occupation en tableur
slots-closures = Fermetures
slots-no-closure = Aucun jour à venir n’est fermé à la main.
slots-closures-to-come = Jours fermés à la main
slots-in-agenda = Fermetures prévues par l’agenda (config/agenda.toml)
slots-first-day = Premier jour
slots-last-day = Dernier jour
slots-day = Jour
slots-place = Site ou guichet
slots-reopen = Rouvrir
slots-why-reopen = Motif de la réouverture
closing-title = Fermer un jour
closing-back = Créneaux
closing-what = Les personnes attendues reçoivent aussitôt un autre rendez-vous et une lettre, avant toute nouvelle personne.
closing-count = Compter les personnes attendues
closing-this = { $place }, { $day }
closing-would-hit = { $n ->
    [0] Personne n’est attendu ce jour-là.
    [one] { $shown } personne est attendue ce jour-là.
   *[other] { $shown } personnes sont attendues ce jour-là.
 }
closing-cost-first = Avant de fermer, voyez ce que cela coûterait.
closing-cost-do = Calculer ce que cela coûterait
closing-cost-begun = Le calcul est en cours.
closing-cost-done = Le calcul est fait : { $place }, { $day }.
closing-cost = Ce que cela coûterait
closing-cost-moved = { $n ->
    [0] Personne ne reçoit un autre rendez-vous.
    [one] { $shown } personne reçoit un autre rendez-vous.
   *[other] { $shown } personnes reçoivent un autre rendez-vous.
 }
closing-cost-days = Du { $first } au { $last }.
closing-cost-late = { $n ->
    [0] Aucun nouveau jour n’est après l’expiration du titre.
    [one] { $shown } nouveau jour est après l’expiration du titre.
   *[other] { $shown } nouveaux jours sont après l’expiration du titre.
 }
closing-cost-without = { $n ->
    [0] Chacun a une place.
    [one] { $shown } personne reste sans place.
   *[other] { $shown } personnes restent sans place.
 }
closing-cost-letters = { $n ->
    [0] Aucune lettre n’est écrite.
    [one] { $shown } lettre est écrite.
   *[other] { $shown } lettres sont écrites.
 }
closing-type = Pour confirmer, tapez le nombre de personnes attendues : { $n }
closing-do = Fermer ce jour
closing-begun = La fermeture est en cours.
closing-done = { $place } est fermé le { $day }.
closing-expected = { $n ->
    [0] Personne n’était attendu.
    [one] { $shown } personne était attendue.
   *[other] { $shown } personnes étaient attendues.
 }
closing-calls = { $n ->
    [one] { $shown } est à appeler : une lettre pourrait arriver trop tard.
   *[other] { $shown } sont à appeler : une lettre pourrait arriver trop tard.
 }
closing-reopened = { $place } est rouvert le { $day } : les places reviennent, personne n’est déplacé.
closing-was-open = Rien n’a changé : ce jour n’était pas fermé à la main.
closed-title = Personnes qui étaient attendues
closed-was = Rendez-vous
closed-hour = Heure
closed-now = Remplacé par
closed-slot = Créneau
closed-call = Appel
closed-none = aucun : à convoquer dès cette nuit
closed-after = après l’expiration
closed-to-call = À appeler
closed-no-number = aucun numéro connu
weeks-title = Semaines à venir
weeks-what = Qui sera à convoquer, combien de places il y a, quand elles manqueront, lesquelles ajouter. Rien n’est écrit.
weeks-what-if = Et si…
weeks-weeks = Nombre de semaines
weeks-slots = Places en plus ou en moins partout
weeks-slots-hint = En pourcentage, par exemple +15% ou -10%.
weeks-multiyear = Cartes pluriannuelles données
weeks-multiyear-hint = Pour cent cartes d’un an renouvelées, par exemple +10%.
weeks-extra = Places ajoutées à un guichet
weeks-extra-hint = site/guichet/semaine=places, par exemple creteil/renouvellement/2026-W50=20 ; plusieurs séparées par une virgule.
weeks-choose = Choisir
weeks-compute = Calculer cette prévision
weeks-begun = La prévision est en cours de calcul.
weeks-computed = La prévision est calculée.
weeks-none = Cette prévision n’a pas encore été calculée ici.
weeks-of = À partir de la nuit du { $day }, calculée le { $when }.
weeks-stale = Les données ont changé depuis : calculez la prévision à nouveau.
weeks-short = Première semaine où tout le monde ne peut pas être placé : { $week }.
weeks-enough = Tous ceux qui ont un jour possible peuvent être placés.
weeks-due = Personnes à convoquer
weeks-late = Déjà expirés, en plus
weeks-online = Déposent en ligne
weeks-lapses = Sans date avant l’expiration
weeks-bounds = au moins { $low }, au plus { $high }
weeks-no-day = Dont sans aucun jour possible
weeks-to-add = Places à ajouter
weeks-projected = ~ À partir du { $day }, des guichets n’ont pas encore de créneaux : leurs places sont celles que promettent leurs ouvertures.
weeks-chart = Personnes et places par semaine
weeks-chart-reads = Barres : personnes à convoquer. Traits : places libres. Chiffres : sans date.
weeks-picture = Image des semaines à venir
weeks-caption = Semaines à venir
weeks-week = Semaine
weeks-taken = Données
weeks-load = Charge
weeks-col-lapses = Sans date
weeks-least = Au moins
weeks-most = Au plus
weeks-nothing-to-add = Aucune.
weeks-to-add-why = Les moins nombreuses qui donneraient une date à tous ceux qui ont un jour possible :
weeks-to-add-caption = Places à ajouter par guichet et semaine
weeks-desks-csv = Guichets en CSV
weeks-desks-xlsx = Guichets en tableur
weeks-wrong-weeks = Le nombre de semaines va de 1 à 156.
weeks-wrong-slots = Les places en plus ou en moins s’écrivent en pourcentage entier, par exemple +15% ou -10%.
weeks-wrong-multiyear = Les cartes pluriannuelles s’écrivent de 0% à 100%.
weeks-wrong-extra = Une place ajoutée s’écrit site/guichet/semaine=places, pour un guichet et une semaine ouverts de cette prévision.
# ----

# Courriers
# ----
letters-title = Courriers
letters-back = Retour aux courriers
letters-paused = L’envoi est suspendu par { $who } depuis le { $at }.
letters-paused-already = Rien n’a changé : { $who } avait déjà suspendu l’envoi.
letters-paused-now = L’envoi est suspendu.
letters-pause-title = Suspendre l’envoi
letters-pause-what = Aucune lettre ne part plus avant la reprise. Celles qui attendent restent en file.
letters-pause = Suspendre tous les envois
letters-would-leave =
    { $n ->
        [one] { $shown } lettre partirait à la reprise.
       *[other] { $shown } lettres partiraient à la reprise.
    }
letters-type-waiting = Pour confirmer, tapez le nombre de lettres qui attendent : { $n }
letters-resume = Reprendre l’envoi
letters-resumed = L’envoi a repris.
letters-states = Lettres par état
letters-every-state = Tous les états
letters-state = État
letters-kind = Objet
letters-channel = Canal
letters-all = Tous
letters-by-cause = Causes
letters-causes-caption = Lettres qui attendent ou ont échoué, par ce que les relais en ont dit
letters-cause = Cause
letters-no-cause = non précisée
letters-count = Lettres
letters-example = Par exemple
letters-list = Liste
letters-caption = Lettres, par référence
letters-none = Aucune lettre ne correspond.
letters-letter = Lettre
letters-tries = Essais
letters-tick-head = Choisir
letters-tick = Choisir { $what }
letters-do = Faire pour les lettres cochées
letters-retry = Renvoyer
letters-hold = Retenir
letters-release = Libérer
letters-none-ticked = Aucune lettre n’est cochée.
letters-retried =
    { $n ->
        [one] { $shown } lettre est remise en file.
       *[other] { $shown } lettres sont remises en file.
    }
letters-held =
    { $n ->
        [one] { $shown } lettre est retenue.
       *[other] { $shown } lettres sont retenues.
    }
letters-released =
    { $n ->
        [one] { $shown } lettre est libérée.
       *[other] { $shown } lettres sont libérées.
    }
letters-next = Suite de la liste
letters-export = Exporter cette liste, sans adresses, jusqu’à 100 000 lettres :
letter-title = Lettre
letter-heading = Lettre { $what }
letter-reference = Référence
letter-domain = Domaine du destinataire
letter-person = Voir la personne
letter-history = Historique
letter-undated = Sans date
letter-do = Agir
letter-nothing-to-do = Rien ne peut être fait pour cette lettre dans son état.
letter-retry = Renvoyer cette lettre
letter-hold = Retenir cette lettre
letter-release = Libérer cette lettre
bounces-title = Retours
bounces-by-post = Lettre revenue par la poste
bounces-by-post-what = Si aucun courriel n’a atteint la personne, son rendez-vous est annulé et elle sera convoquée de nouveau.
bounces-reference = Référence portée par la lettre
bounces-submit = Enregistrer le retour
bounces-returned-letters = Lettres revenues par la poste
bounces-known-letters = Lettres revenues par courriel
bounces-unread = Messages à lire par quelqu’un
bounces-unread-what = Ces messages sont arrivés à l’adresse de retour et n’ont pas été compris. Ils restent dans la boîte où ils ont été lus.
bounces-none = Aucun.
bounces-caption = Messages non compris, les plus récents d’abord
bounces-class = Nature
bounces-read-at = Lu
bounces-said = Ce qui est dit
bounces-nothing-said = rien
bounces-no-letter = inconnue
bounces-message = Empreinte du message
bounces-next = Messages plus anciens
bounces-no-reference = Ce n’est pas une référence : relisez-la, par exemple RC-94-2026-0001234-R.
bounces-not-posted = Aucune lettre { $what } n’est postée.
bounces-ended = La lettre { $what } est revenue : le rendez-vous est libéré et la personne sera convoquée de nouveau.
bounces-noted = Le retour de { $what } est noté ; le rendez-vous ne change pas.
batches-title = Lots à poster
batches-waiting =
    { $n ->
        [0] Aucune lettre n’attend la poste.
        [one] { $shown } lettre attend la poste.
       *[other] { $shown } lettres attendent la poste.
    }
batches-prepare = Préparer un lot
batches-prepare-what = Toutes les lettres qui attendent la poste sont mises en page, y compris celles dont le courriel a échoué. Rien d’autre ne change : un lot peut être préparé de nouveau.
batches-prepare-now = Préparer le lot
batches-begun = La préparation a commencé.
batches-made = Le lot { $lot } est prêt. Lettres : { $letters }.
batches-nothing = Aucune lettre n’attend la poste.
batches-none-fits = Aucune lettre n’a pu être mise en page.
batches-left-out =
    { $n ->
        [one] { $shown } lettre n’entre dans aucun lot tant qu’elle n’est pas corrigée :
       *[other] { $shown } lettres n’entrent dans aucun lot tant qu’elles ne sont pas corrigées :
    }
batches-ready = Lots prêts
batches-none = Aucun lot n’est prêt.
batches-caption = Lots préparés qui ne sont pas encore confirmés
batches-lot = Lot
batches-prepared-on = Préparé le
batches-files = Fichiers
batches-posted =
    { $n ->
        [0] Aucune lettre n’a été marquée.
        [one] { $shown } lettre est marquée comme postée.
       *[other] { $shown } lettres sont marquées comme postées.
    }
batches-posted-before =
    { $n ->
        [one] { $shown } l’était déjà par ce lot.
       *[other] { $shown } l’étaient déjà par ce lot.
    }
batches-taken-out =
    { $n ->
        [one] { $shown } lettre ne dit plus ce qui est vrai, retirez-la de la pile :
       *[other] { $shown } lettres ne disent plus ce qui est vrai, retirez-les de la pile :
    }
batches-not-waiting =
    { $n ->
        [one] { $shown } lettre ne doit plus partir, retirez-la de la pile :
       *[other] { $shown } lettres ne doivent plus partir, retirez-les de la pile :
    }
batches-discarded = Les fichiers du lot { $lot } sont effacés ; ses lettres attendent toujours.
batch-title = Lot à poster
batch-heading = Lot { $lot }
batch-back = Retour aux lots
batch-files-caption = Fichiers à imprimer en recto verso
batch-file = Fichier
batch-pages = Pages
batch-exceptions = Lettres qui n’ont pas pu être imprimées
batch-skipped = Lettres qui ne sont plus à poster
batch-download = Télécharger le lot (ZIP)
batch-download-what = Les PDF, la liste des adresses et le manifeste. Le téléchargement est inscrit au registre.
batch-confirm = Les lettres sont parties
batch-confirm-what = Chaque lettre du lot est marquée comme postée, puis les fichiers sont effacés d’ici.
batch-type-count = Pour confirmer, tapez le nombre de lettres du lot : { $n }
batch-confirm-now = Marquer comme postées
batch-discard = Renoncer à ce lot
batch-discard-what = Les fichiers sont effacés d’ici ; les lettres attendent toujours la poste.
batch-discard-now = Effacer les fichiers

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
counter-for-good = La nuit agit d’après la saisie ; une erreur s’annule par `convoke undo`. « Annulé » rend la place et n’écrit aucune lettre.
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
audit-title = Audit
audit-back = Retour à l’audit
audit-ledger = Registre
audit-size = Écritures
audit-root = Dernière empreinte
audit-verify = Vérifier tout le registre
audit-verify-what = Chaque écriture est comparée à la précédente, et chaque scellé à sa signature. Rien n’est modifié.
audit-begun = La vérification a commencé.
audit-holds = Le registre est intact. Écritures : { $n } ; dernière empreinte : { $root }.
audit-holds-seals =
    { $n ->
        [0] Aucun scellé n’a été signé.
        [one] { $shown } scellé est tel qu’il a été signé.
       *[other] { $shown } scellés sont tels qu’ils ont été signés.
    }
audit-broken = Le registre a été altéré.
audit-broken-gap = L’écriture { $n } manque.
audit-broken-unlinked = L’écriture { $n } ne découle pas de la précédente.
audit-broken-changed = L’écriture { $n } a été modifiée après coup.
audit-broken-rewritten = L’écriture { $n } n’est pas celle qui a été scellée : elle, ou une autre avant elle, a été récrite.
audit-broken-cut = La fin a été coupée : { $signed } écritures étaient scellées, il en reste { $found }.
audit-broken-forged = Le scellé de l’écriture { $n } n’est pas signé par la clé d’alors.
audit-broken-unsigned = L’écriture { $n } termine une exécution, et son scellé manque.
audit-broken-unvouched = L’écriture { $n } apporte une clé dont la précédente ne répond pas.
audit-broken-unintroduced = L’écriture { $n } apporte une clé qui n’a pas signé son arrivée.
audit-broken-other-key = La clé en usage n’est pas celle que nomme le registre.
audit-broken-incomparable = Rien de ce que le témoin garde n’est de ce registre.
audit-broken-witnessed = L’écriture { $n } n’est pas celle que le témoin a vue.
audit-key = Clé
audit-key-what = Empreinte de la clé qui signe : comparez-la à celle que vous avez reçue par une autre voie.
audit-other-key = Le registre nomme une autre clé que celle de ce serveur.
audit-no-key = Aucune clé ne signe ce registre : qui possède la base peut le récrire. Voyez « convoke keys generate ».
audit-keys-before = Clés précédentes
audit-until = Jusqu’au { $day } :
audit-key-began = début d’une clé
audit-seals = Scellés
audit-seals-caption = Derniers états du registre qui ont été signés
audit-no-seal = Aucun état du registre n’a encore été signé.
audit-signed-at = Signé
audit-run = Exécution
audit-state = État
audit-witnesses = Témoins
audit-no-witness = Aucun témoin n’est désigné : voyez [audit] witnesses.
audit-untold =
    { $n ->
        [0] Chaque témoin a reçu chaque scellé.
        [one] { $shown } envoi à un témoin n’est pas encore parti.
       *[other] { $shown } envois à des témoins ne sont pas encore partis.
    }
audit-told-caption = Derniers envois aux témoins
audit-witness = Témoin
audit-told-at = Remis au relais
audit-not-told = pas encore
audit-reply = Réponse
audit-last-reports = Derniers rapports
audit-reports-title = Rapports
audit-reports-what = Le rapport d’une exécution ne nomme personne. Le ZIP est signé, et « convoke verify » le contrôle sur tout poste.
audit-reports-caption = Exécutions, les plus récentes d’abord
audit-report = Rapport
audit-without-plan = aucun plan
audit-no-plan = Cette exécution n’a pas de plan : elle n’a pas de rapport.
audit-no-run = Aucune exécution n’a eu lieu.
audit-every-report = Tous les rapports
audit-reports-next = Exécutions plus anciennes
audit-days = Chiffres d’une période
audit-from = Du
audit-to = Au
audit-week = Un jour de la semaine voulue
audit-see-days = Voir ces jours
audit-see-week = Voir l’issue des titres de cette semaine
audit-no-day = Ce n’est pas un jour, tel que 2026-10-05.
audit-days-wrong = La période finit avant de commencer, ou dépasse 366 jours : « convoke report --from --to » en fait de plus longues.
audit-period-title = Chiffres d’une période
audit-files = Fichiers :
audit-entries-title = Écritures du registre
audit-entries-caption = Écritures, les plus récentes d’abord
audit-every-entry = Toutes les écritures
audit-reads = Lectures nominatives
audit-kind = Acte
audit-kind-hint = Tel que letter.held, ou letter. pour tous ceux qui commencent ainsi.
audit-actor = Acteur
audit-nothing-found = Rien de tel dans les écritures parcourues.
audit-number = Numéro
audit-when = Quand
audit-what = Quoi
audit-payload = Contenu
audit-hash = Empreinte
audit-before = avant le scellé du { $at }
audit-after-seals = depuis le dernier scellé
audit-entries-next = Écritures avant la { $n }
audit-export = Exporter, sur 100 000 écritures au plus :
audit-acts-title = Actes par acteur
audit-acts-what = Ce que chacun a fait et consulté, hors des exécutions. Les jours sont ceux des scellés de chaque nuit.
audit-acts-caption = Actes et lectures de la période
audit-see-acts = Voir ces actes
audit-times = Fois
audit-no-act = Aucun acte dans cette période.

# ----

# Refus et erreurs
failed-title = Cela n’a pas été fait
failed-missing-title = Page introuvable
failed-page-title = Page indisponible
failed-missing = Il n’y a rien à cette adresse.
failed-forbidden = Votre rôle ne permet pas cette page.
failed-unreadable = Cette demande est incomplète : revenez à la page précédente.
failed-unconfirmed = La confirmation ne correspond pas à ce qui était demandé.
failed-too-often = Trop de demandes en peu de temps : attendez une minute.
failed-broken = Erreur inattendue : elle est dans le journal du serveur. Vérifiez où en sont les choses avant de recommencer.
failed-unchanged = Rien n’a été changé.
failed-home = Retour à l’accueil
bare-forbidden = Cette demande ne vient pas d’une page de ce site : rien n’a été fait. Revenez à la page, et recommencez.
bare-method = Cette adresse ne s’ouvre pas ainsi : revenez à la page précédente.
bare-late = Le formulaire n’est pas arrivé à temps : rien n’a été fait.
bare-large = Ce formulaire est trop long : rien n’a été fait.
bare-form = Ce n’est pas un formulaire de ce site : rien n’a été fait.
bare-busy = Le serveur est occupé : rien n’a été fait. Réessayez dans un instant.
reason-missing = Un motif est nécessaire : il reste au registre.
reason-personal = Le motif reste au registre pour toujours : ni numéro étranger, ni téléphone, ni adresse électronique.
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
refused-no-act = Aucun acte { $what } ne peut être annulé.
refused-undone-before = L’acte { $what } est déjà annulé.
refused-no-import = De l’importation { $what } ne sont pas gardées les modifications.
refused-later-import = Une extraction a été prise après l’importation { $what } : annulez-la d’abord.
refused-unsettled = Les données changeaient pendant ce temps : réessayez quand imports et exécutions sont finis.

undo-title = Annuler un acte
undo-one-title = Annuler cet acte ?
undo-what = Ce qui a été fait à la main par erreur est défait pour les personnes qui n’en ont pas encore été informées. Les lettres d’un acte attendent quelques minutes pour cela.
undo-none = Rien de ce qui a été fait à la main ne peut être annulé.
undo-latest-first = Les plus récents d’abord
undo-act = Acte
undo-when = Quand
undo-by = Par
undo-did = Fait
undo-about = Concerne
undo-stays = Ce qui resterait
undo-why = Pourquoi
undo-mend = Remède
undo-type = Pour confirmer, tapez le numéro de l’acte : { $n }
undo-do = Annuler cet acte
undo-would-restore = { $n ->
    [0] Rien ne serait rétabli.
    [one] { $shown } élément serait rétabli.
   *[other] { $shown } éléments seraient rétablis.
 }
undo-would-leave = { $n ->
    [0] Rien ne resterait tel quel.
    [one] { $shown } resterait tel quel.
   *[other] { $shown } resteraient tels quels.
 }
undo-restored = { $n ->
    [0] Rien n’a été rétabli.
    [one] { $shown } élément a été rétabli.
   *[other] { $shown } éléments ont été rétablis.
 }
undo-left = { $n ->
    [0] Rien ne reste à faire.
    [one] { $shown } est resté tel quel.
   *[other] { $shown } sont restés tels quels.
 }
undo-told = Quelqu’un en a déjà été informé.
undo-seat-taken = La place est prise entre-temps.
undo-changed-since = Autre chose a été fait depuis.
undo-past = Le jour du rendez-vous est passé.
undo-built-on = Quelque chose a été fait d’après lui.
undo-not-kept = Ce qu’il a changé n’a pas été gardé.
