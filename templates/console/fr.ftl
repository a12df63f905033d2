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

# ----

# Demandes
# ----

# ----

# Guichet
# ----

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
