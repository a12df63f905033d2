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

# ----

# Créneaux
# ----

# ----

# Courriers
# ----
reason = Raison (elle reste au registre : ne nommez personne)
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
letters-filter = Filtrer
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
batches-busy = Un autre travail est en cours : attendez qu’il finisse.
batches-broken = La préparation n’a pas abouti : la cause est dans le journal du serveur.
batches-made = Le lot { $lot } est prêt : { $letters } lettres.
batches-nothing = Aucune lettre n’attend la poste.
batches-working = Un lot est en préparation.
batches-progress = Avancement du lot
batches-so-far = { $done } lettres sur { $total }
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

# ----

# Guichet
# ----

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
audit-verifying = La vérification est en cours.
audit-progress = Vérification du registre
audit-begun = La vérification a commencé.
audit-busy = Un autre travail est en cours : attendez qu’il finisse.
audit-unverified = La vérification n’a pas abouti : la cause est dans le journal du serveur.
audit-holds = Le registre est intact : { $n } écritures, dernière empreinte { $root }.
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
audit-anybody = Tous
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
