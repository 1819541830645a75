"""French: our own collection, after rule 16 (ARRET), with elisions as folding leaves them ("m'envoyez", "menvoyez")."""

from __future__ import annotations

from worker.rules.lexicon import Lexicon, Tongue, pattern, phrases, spread, words
from worker.rules.lexicons import everyday
from worker.rules.lexicons.shared import SHARED, elided

_CEASE = (
    "arreter arretez arrete arretes arret darreter stop stopper stoppez stoppe cesser cessez cesse suspendre suspendez "
    "marre annuler annulez interrompre interrompez"
)
_WHAT = (
    "messages message sms texto textos mails mail rappels rappel envois envoi notifications communications spam pub msg "
    "publicite harcelement messagerie courriels"
)
_ACT = "ecrire m'ecrire d'ecrire envoyer m'envoyer d'envoyer m'adresser adresser contacter harceler spammer embeter deranger solliciter relancer"
_TELL = (
    "embetez m'embetez importunez m'importunez adressez m'adressez "
    "envoyez m'envoyez envoie m'envoie envoies m'envoies ecrivez m'ecrivez ecris m'ecris contactez contacte contactes "
    "derangez relancez harcelez sollicitez appelez spammez"
)
_ERASE = (
    "retirez retirer retire enlevez enlever enleve supprimez supprimer supprime effacez effacer efface rayez rayer otez oter "
    "sortez sortir virez virer radiez"
)

LEXICON = Lexicon(
    stop=words(
        "stopper stoppez stoppe arretes cessez desabonner desabonnez desabonne desabonnement desinscrire "
        "desinscrivez desinscris desinscription desinscrit d'arreter"
    ),
    cancel=words("annuler annulez annulation"),
    stop_alone=words("sortir quitter terminer exit")
    | words("assez resilier resiliation annuler annulez supprimer effacer cesser suffit annulation supprimez"),
    stop_alone_phrases=phrases(
        "plus jamais | plus rien | je ne veux plus | je veux plus | ne plus ecrire "
        "| plus de | ne m envoyez plus | ne menvoyez plus | j'arrete tout | sans suite | fin"
    ),
    stop_phrases=phrases(
        *spread(
            "plus de|plus aucun|aucun", "sms|message|messages|rappels|rappel|textos|mails|contact|msg|notifications"
        ),
        "laissez moi tranquille | laisse moi tranquille | la paix | ca suffit | cela suffit | "
        "pas interesse | pas interessee | ca ne m'interesse pas | ne m'interesse pas | du spam "
        "| me desabonner | veux resilier | plus interessee | plus interesse | pas de sms | "
        "desabonnez moi | desinscrivez moi | c'est du harcelement | me desinscrire | "
        "supprimez moi | retirez moi | enlevez moi | rayez moi | effacez moi | foutez le camp | lachez moi | lache moi | pu de message | pu de sms",
    ),
    stop_patterns=frozenset(
        {
            pattern("assez marre evitez eviter ras", f"{_WHAT} {_ACT}"),
            pattern("plus pas", "entendre", "parler"),
            pattern("plus pas", "etre", "contacte contactee sollicitee sollicite"),
            pattern("retiree retire retirer enlevee enleve supprimee supprime", "liste listes fichier base"),
            pattern(_CEASE, f"{_WHAT} {_ACT}", reach=5, unless="pas n'arretez bus"),
            pattern("ne n", _TELL, "plus pas jamais rien", unless="peux"),
            pattern("m'envoyez m'ecrivez m'ecris m'envoie me", f"{_TELL} plus jamais", "plus jamais rien", reach=2),
            pattern("m'envoyez m'ecrivez m'ecris", "plus jamais rien", reach=1),
            pattern("m", "envoyez ecrivez ecris envoie", "plus jamais rien pas", reach=2),
            pattern(
                "plus jamais pas",
                f"{_ACT} recevoir contactee contacte m'ecrire",
                reach=3,
                unless="peux pu recu hesiter n'arretez arreter arretez",
            ),
            pattern(
                "veux veut souhaite desire voudrais besoin jveux veus", "plus pas aucun", f"{_WHAT} recevoir nouvelles"
            ),
            pattern("plus pas aucun", "besoin envie", _WHAT, unless="rendez"),
            pattern(_ERASE, "numero liste fichier coordonnees donnees telephone contact repertoire contacts base"),
            pattern("retire revoque retirer revoquer", "consentement accord autorisation"),
            pattern("desabonner desinscrire desabonne desinscris", "liste sms messages moi me"),
            pattern("donne donner", "accord consentement", _WHAT),
            pattern("jamais", "donne", "accord consentement numero"),
            pattern("ne", "plus", f"recevoir {_ACT}"),
            pattern("plus", "rien", "recevoir"),
            pattern("comment", "arreter stopper annuler", f"{_WHAT} ca cela"),
            pattern("me", "desabonne desinscris desiste retire", reach=1),
        }
    ),
    wrong_number=phrases("erreur de numero | erreur de destinataire | pas le bon numero | trompe de numero"),
    wrong_patterns=frozenset(
        {
            pattern("mauvais faux mauvaise", "numero personne destinataire", reach=2),
            pattern("trompez trompe trompee trompes tromper erreur", "numero personne destinataire"),
            pattern("c'est n'est est", "pas", "numero telephone", reach=3, unless="sur"),
            pattern("c'est", "erreur", "pas", reach=6),
            pattern("numero telephone", "n'est", "plus pas", reach=2),
            pattern("pas", "personne", "cherchez", reach=5),
            pattern("pas", "bon bonne", "numero personne", reach=2),
        }
    ),
    everything=phrases("ne me contactez | plus me contacter | tout envoi | tout contact | aucun contact"),
    harmless_pairs=phrases("arret de | arreter la | arret maladie | arret bus | l arret | a l | arreter creme"),
    courtesy=words("bonjour bonsoir merci beaucoup veuillez stp s'il te monsieur madame desole desolee salut"),
    around_stop=words(
        "vos votre dit ai deja demande ces ce cette le la l un une des du mon ma mes moi nous vous ici maintenant tout-de-suite immediatement "
        "de d envoi envois abonnement cela ca ceci toute tous toutes pub publicite je j veux souhaite"
    ),
    set_aside=phrases(
        *spread("merci pour", "tout|toute votre aide|votre aide"),
    ),
    misspelt=words(
        "arreter arretez desabonner desinscrire messages supprimez retirez numero m'envoyez envoyez stopper"
    ),
    real_words=words(
        "arriver arrivez arrivee arretee arretent pretez traiter message massages massage messager retires retiree envoyer "
        "envoye m'envoyer stoppee entrez preter numeros supprimer retirer tarder jarrete"
    ),
    tongues=frozenset(
        {
            Tongue(
                plain=SHARED
                | everyday.FR
                | elided(
                    "l d j m s c qu t",
                    "a au aux avec avant apres chez contre dans de depuis des du durant en entre et jusqu jusque la le les "
                    "leur leurs lui ma mais mes mon notre nos nous on ou par pendant pour puis puisque que quel quelle "
                    "quelles quels quand qui quoi comment combien pourquoi sa se ses si son sous sur ta te tes ton toi tu "
                    "un une vers vos votre vous y ce cet cette ces cela ca ceci je j il elle ils elles eux moi me d l c s t "
                    "ai as avons avez ont avais avait aurai aura aurais avoir eu suis es est sommes etes sont etais etait "
                    "serai sera serait serons etre ete vais va allons allez vont aller irai ira allee alle allait viens "
                    "vient venir venu venue viendrai venez peux peut puis pouvez pouvons pourrais pourrait pouvoir dois "
                    "doit devons faut fais fait faire ferai faites prends prend prendre pris prendrai mets met mettre mis "
                    "mettrai utilise utiliser applique appliquer lave laver maquiller maquillage doucher douche nager "
                    "piscine plage mer sauna sport courir gym salle soleil solaire protection ecran creme cremes lotion "
                    "serum huile hydratante hydrater hydrate savon eau verre vin biere cafe boire bu manger repas alcool "
                    "comprime paracetamol doliprane ibuprofene vetements peau visage corps bras jambe jambes ventre cuisse "
                    "cuisses hanches poitrine seins cou dos marque marques vergeture vergetures zone zones resultat "
                    "resultats difference soin soins traitement seance seances rendez rdv consultation visite cabinet "
                    "clinique centre accueil equipe docteur dr infirmiere adresse rue porte batiment bus metro train "
                    "voiture taxi route embouteillages garer parking devant dehors dedans pres proche loin ici la-bas hier "
                    "aujourdhui demain soir soiree matin midi nuit jour jours journee semaine semaines mois an ans annee "
                    "heure heures h minute minutes mn fois moment temps tot tard tardive bientot encore toujours deja ensuite "
                    "maintenant lundi mardi mercredi jeudi vendredi samedi dimanche janvier fevrier mars avril mai juin "
                    "juillet aout septembre octobre novembre decembre week end weekend prochaine prochain premiere premier "
                    "derniere deux trois quatre cinq six sept huit neuf dix demie quart peu beaucoup moins quelque quelques "
                    "chose tout toute tous toutes tres trop bien mieux bon bonne bons bonnes meilleur meilleure assez "
                    "super genial geniale parfait parfaite parfaitement excellent excellente excellents magnifique "
                    "formidable impeccable nickel top cool chouette beau belle belles jolie douce doux lisse heureuse "
                    "heureux contente content ravie ravi satisfaite satisfait hate adore adorable aime plait plaisir "
                    "gentil gentille gentils professionnel professionnelle merci mille grand grande oui ouais accord "
                    "daccord note notee recu recue entendu compris comprends confirme confirmee confirmer confirmation "
                    "sur certain certaine volontiers egalement aussi pareillement bonjour bonsoir salut coucou bisous "
                    "bises bise cordialement amicalement sincerement noel joyeux joyeuse paques anniversaire voeux fetes "
                    "svp stp excusez excuse pardon desolee desole retard reponse repondre information informations infos "
                    "info conseil conseils aide question possible normal rouge rouges rose rougeur rougeurs seche sec "
                    "secheresse gratte gratter demange demangeaisons tire tiraille gonfle gonflee gonflement sensible "
                    "sens sent sentir vois voit voir vu voyons revoir trouve pense crois espere attends "
                    "attendre dors dormi dormir repose reposee continue continuer dure durent durer recommande recommander "
                    "recommanderai amie amies ami amis soeur frere mere maman fille fils mari famille compagnon coute coutent "
                    "prix payer carte especes gratuit ouvert ouverts ouverte ouvrez ferme arrive arrives arriver arrivee "
                    "arrivons apporter amener accompagner route chemin sera serez bien sure evidemment effectivement "
                    "exactement exact voila tenue courant prevue prevu reporter avancer dispo disponible disponibilites "
                    "travail service bravo etat evolution ameliore amelioration cicatrise guerit vite doucement chaque "
                    "tant mieux plutot vraiment tellement comme epiler m'epiler raser rasage epilation cire poils vendez bons cadeaux cadeau acheter echarpe veste sac "
                    "lunettes parapluie salle attente vol avion voyage vacances mariage fete bouchons marche ras ta vitamine "
                    "vitamines e b collagene aloe vera karite beurre couche couches fine bleu violet blanc noire couleur ligne "
                    "lignes visible visibles estompe estompees deuxieme seconde troisieme fois voudrais voudrait aimerais aimerait "
                    "nouvelles copine copines cherie filles gars bureau ecole reunion dejeuner diner pluie froid meteo "
                    "lit draps cicatrisation gueri guerie disparu disparue passe passee passer pareil serviette "
                    "glace gel lave seche hydratee repos dirai tiens vraie franchement carrement ",
                )
                - words("aucun daucun laucun assez dassez lassez trop end non dont na tira tire sans"),
                fine=phrases(
                    *spread("autre|une autre|un autre", "seance|jour|rendez vous|rdv|creme|fois"),
                    "les demangeaisons ont cesse | arreter la vitamine c | m'envoyer l'adresse par sms | m'envoyer l'adresse "
                    "| envoyer l'adresse | en salle d'attente",
                    *spread(
                        "merci pour", "le rappel|ce rappel|votre message|le message|les rappels|votre sms|vos messages"
                    ),
                    *spread("merci de", "m'avoir prevenue|m'avoir prevenu|votre message|me le rappeler|votre retour"),
                    *spread(
                        "deplacer|changer|decaler", "mon rendez vous|le rendez vous|mon rdv|le rdv|l'heure|la seance"
                    ),
                    "pas de probleme | pas de souci | pas de soucis | aucun souci | aucun probleme | "
                    "pas mal | sans probleme | week end | sans souci | rendez vous | d'accord | arreter la creme | "
                    "n'arrete pas de sourire | arret de bus | l'arret de bus | j'ai hate | pas encore | "
                    "ne vous inquietez pas | t'inquiete pas | bonne fin de journee | bonne fin de semaine | "
                    "bien recu votre message | plus belle | plus tard | plus tot | plus douce | plus lisse "
                    "| beaucoup plus | a plus tard | a plus | de plus en plus | sans maquillage | "
                    "bien recu le message | j'ai bien recu votre message | en pleine forme | "
                    "bonne reception | il n'y a pas de quoi | pas de quoi | bien sur | je n'y manquerai pas",
                ),
                negations=words("pas ne n'ai n'est plus aucune aucun n'y rien n'a sans n'ont n'etait n'avons non"),
                symptoms=words(
                    "mal douleur douleurs rouge rouges rougeur rougeurs gratte demange seche gonfle gonflee gonflement "
                    "brulure brulures brule saigne saignement fievre probleme problemes reaction gene soucis souci question "
                    "questions cloques irritation irritations"
                ),
            )
        }
    ),
)
