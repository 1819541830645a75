"""Everyday words by language, none of which can make up a revocation: people, things, places, weather, food, feelings.

Our own collection, concept by concept, the same concepts in every language.
"""

from __future__ import annotations

from worker.rules.lexicon import words
from worker.rules.lexicons.shared import elided

EN = words(
    "anything something forgot terrible awful ended nicely being such th st nd rd "
    "boyfriend girlfriend aunt uncle cousin neighbour neighbor baby child children boy girl dog cat people person parents "
    "form paper papers bill invoice receipt coat shoes dress shirt trousers jeans socks shorts skirt pyjamas jumper hat "
    "pad heating cushion fan blanket sofa chair table bandage plaster dressing cotton bottle tube jar lift elevator "
    "stairs floor ground corner town city hospital pharmacy chemist supermarket market restaurant hotel airport church "
    "bank entrance hall garden book reserve accept buy bought paid cook cleaned clean rub scratch touch cover covered dry "
    "brush read show showed shown explain explained learn learnt remember remembered begin began continue continued "
    "increase reduce reduced decrease went calm calmed soothe sit sitting stand standing lie lying lay side sides bend "
    "stretching lifting jogging cycle cycling yoga pilates dance dancing play played hold held carry carried "
    "cold wet heat rains raining snow wind spring summer autumn winter sunset old young strong light heavy deep quick "
    "quickly slow slowly easy hard difficult simple fresh natural organic comfortable relaxed patient proud thankful "
    "grateful curious surprised nervous apple bread salad fruit milk sugar salt chocolate cake juice pill pills dose "
    "prescription gp eleven twelve thirteen fourteen fifteen twenty thirty forty fifty hundred percent once amount enough "
    "whole news story picture pictures photo photos mirror camera gone down low high higher lower top bottom left right front "
    "thank hand hands foot feet knee knees elbow shoulder shoulders wrist ankle finger fingers nail nails eye eyes lips "
    "mouth nose ear ears head lot opening opens closing map directions level straight turned drove driven drives driver "
    "met meet meeting met happen happened happening seem seems seemed worked works loads plenty total wonder wondering "
    "wondered mind advise advised suggest suggested suggestion choose chose chosen plan planned plans able unable rough "
    "smoother brighter lighter tighter firm firmer glow glowing shiny oily greasy sticky cheaper expensive bargain deal "
    "brought thought bathed tried woke wake wakes early birds sleepy nap rested hungry thirsty mum's skin's it'd that'd "
    "hes shes thats whats wheres hows theres lets were youve weve theyre theyve youll well itll shouldve could've "
    "wouldve cheers mwah loving guess reckon anyway actually basically generally normally especially recently currently "
    "immediately straightaway together alone outcome supposed expected expect brand sunbathe earlier somewhere stuff "
    "anywhere located bank holidays stuck star stars support appreciate appreciated million kindly tks tysm woohoo hooray hurrah "
    "follow followed following balm ointment gels stayed avoided avoid peeled care speak talk soon catch cya ya hugs hug hiya "
    "owe stock product products u anna everythings skins almost nearly mins away space gap likely worried worry concerned "
    "helping helped listening patience kindness professional professionalism relief relieved blessed chuffed thrilled cheeky "
    "smashing splendid superb stunning lush dreamy spotless job done well tick ticks sorted sorting perfecto gracias merci danke "
    "traffic motorway delayed delay platform tram ferry parked reception buzzer bell door level ground upstairs downstairs "
    "noticing toning texture bumpy lumps bump bumps tone even pores pigment darker patch patches flakes flaking shedding crusty "
    "sweat sweating sweaty deodorant perfume chlorine jacuzzi steam tub tubs sunbed sunbeds exfoliate exfoliating scrub "
    "exfoliator tanned fake bikini swimsuit underwear loose clothing fabric cotton seat belt"
) - words("enough left alone turned lets deal high done scrub away avoid cut")

ES = words(
    "entonces olvido debo doble cual era fue "
    "venir viene vienen vendra quiere quieren dar doy novio novia tia tio primo prima vecina vecino bebe nino nina ninos perro gata gato gente persona padres formulario papel "
    "papeles factura recibo abrigo zapatos vestido camisa camiseta pantalon pantalones vaqueros calcetines falda pijama "
    "almohadilla cojin ventilador manta sofa silla mesa venda tirita aposito algodon frasco tubo bote ascensor escaleras "
    "piso esquina pueblo ciudad hospital farmacia supermercado mercado restaurante hotel aeropuerto iglesia banco entrada "
    "jardin libro reservar reservo aceptan acepta compre cocinar limpiar limpio limpia frotar rascar tocar cubrir secar "
    "leer leido leo mostrar explicar explicado explico aprender recuerdo recordar continuar aumentar reducir reducido "
    "ayuda apoyo millon enhorabuena alegro alegra "
    "bajado bajo baja subir calmar calmado sentarme sentada estar lado tumbarme estirar levantar bicicleta yoga bailar subir "
    "caminar jugar llevara llevare llevaria frio fria mojo mojado llueve nieve viento primavera verano otono invierno "
    "viejo joven fuerte ligera ligero pesado profundo rapido rapida lento despacio facil dificil simple fresco natural "
    "comoda comodo relajada relajado paciente orgullosa ilusion ilusionada curiosa nerviosa sorprendida manzana pan "
    "ensalada fruta leche azucar sal chocolate pastel zumo jugo pastillas dosis receta once doce quince veinte treinta "
    "cuarenta cincuenta cien noticia noticias foto fotos espejo mano manos pie pies rodilla rodillas codo hombro hombros "
    "ojo ojos labios boca nariz cabeza horario horarios mapa derecha izquierda recto plan planes gracias equipo entro "
    "entrar volver vuelvo vuelta trabajar trabajo dentista probar probado pruebo elegir funciona funciono funcionando "
    "noche brillante firme grasa pegajosa barato caro oferta desperte despertar hambre sed siesta conduce lleva llevar "
    "anillo imagino supongo generalmente normalmente especialmente recientemente actualmente enseguida juntas juntos "
    "solo sola mejores peores sido tenido podido querido dijo dice dicen decir pasaba pasa paso ocurre doble ambos "
    "comprarla comprarlo ponerla ponerlo usarla usarlo lavarlo lavarla tomarlo ducharse banarse maquillarse sabe saben "
    "saber se sabemos conocer gustaria encantaria gustado"
) - words("baja solo sola oferta")

FR = elided(
    "l d j m s c qu t",
    "oublie oubliee y t yat "
    "copain copine tante oncle cousin cousine voisine voisin bebe enfant enfants garcon chien chat gens personne parents "
    "formulaire papier papiers facture recu manteau chaussures robe chemise pantalon jean chaussettes short jupe pyjama "
    "coussin ventilateur couverture canape chaise table bandage pansement coton flacon tube pot ascenseur escalier escaliers "
    "etage coin ville hopital pharmacie supermarche marche restaurant hotel aeroport eglise banque entree jardin livre "
    "reserver reserve acceptez accepte achete cuisiner nettoyer nettoye frotter toucher couvrir secher lire lu montrer "
    "expliquer explique apprendre rappelle continuer augmenter reduire reduit diminue diminuer calme calmer asseoir assise "
    "debout allonger cote cotes etirer soulever velo yoga danser monter marcher jouer porter porte porterai apporterai "
    "apporte froide froid mouille pleut neige vent printemps ete automne hiver vieux jeune fort forte leger legere lourd "
    "profond rapide rapidement lent lentement facile difficile simple frais naturel bio confortable detendue patiente fiere "
    "impatiente curieuse surprise nerveuse pomme pain salade fruit fruits lait sucre sel chocolat gateau jus comprimes dose "
    "ordonnance onze douze quinze vingt trente quarante cinquante cent pourcent nouvelle photo photos miroir main mains pied "
    "pieds genou genoux coude epaule epaules oeil yeux levres bouche nez tete horaires horaire plan droite gauche droit "
    "reprendre repris travailler rentree rentre rentrer conduit conduire maison retourner essayer essaye choisir marche "
    "fonctionne brillante ferme grasse collante cher reveil reveillee faim soif sieste generalement normalement "
    "recemment actuellement ensemble seule dit dire dites savoir sais sait savez connaitre plu plairait ses "
    "feriez feront font pouvais voulais voulait sois soit ayez aurons avions etions etaient verre bientot "
    "bougie super vachement sinon donc enfin surtout presque juste parfois souvent rarement jamaisvu equipe",
) - words("personne dit dites dire seule jamaisvu savoir")

DE = words(
    "gibt sein uhrzeit ganze ganzes ganzen zweiten jemand etwas irgendwo seid waren warst "
    "freund freundin tante onkel cousine nachbarin nachbar baby kind kinder junge hund katze leute eltern formular papier "
    "papiere rechnung quittung mantel schuhe kleid hemd hose jeans socken rock schlafanzug pullover kissen ventilator decke "
    "sofa stuhl tisch verband pflaster watte flasche tube dose aufzug fahrstuhl treppe stock ecke stadt krankenhaus apotheke "
    "supermarkt markt restaurant hotel flughafen kirche bank garten buch buchen reservieren annehmen kaufen gekauft kochen "
    "putzen reinigen reiben kratzen beruhren abdecken trocknen lesen gelesen zeigen erklaren erklart lernen erinnere weiter "
    "weitermachen erhohen verringern geworden wurde beruhigt setzen sitzen liegen seite seiten dehnen heben fahrrad radfahren "
    "yoga tanzen steigen wandern spielen halten tragen bringe kalt kaltem kaltes nass regnet schnee wind fruhling "
    "sommer herbst winter alt jung stark leichter schwer tief langsamer einfach schwierig frisch naturlich bequem entspannt "
    "geduldig stolz dankbar neugierig nervos uberrascht apfel brot salat obst milch zucker salz schokolade kuchen saft "
    "tabletten rezept elf zwolf funfzehn zwanzig dreissig vierzig funfzig hundert prozent neuigkeit foto fotos bild bilder "
    "spiegel hand hande fuss fusse knie ellbogen schulter schultern auge augen lippen mund nase kopf plan karte links rechts "
    "geradeaus fahrt fahren fahre hause zuhause mitkommen zurucks wieder probieren probiert wahlen funktioniert wirkt glanzt "
    "fest fettig klebrig billig teuer wach hunger durst allgemein normalerweise besonders kurzlich derzeit zusammen sagen "
    "sagt gesagt kenne kennen bekommt hatten ware waren wurden mussten konnten durfen sollten dieses jenes zweimal dreimal "
    "einmal nochmal gleichen ganzes team tagsuber nachts morgens mittags also eigentlich ungefahr circa fast nur schlaf"
) - words("zurucks gesagt kenne kennen sagt sagen")

PT = words(
    "esqueci abrem segunda algum alguem algo ontem "
    "namorado namorada tia tio prima primo vizinha vizinho bebe crianca criancas menino cachorro gato pessoal pais formulario "
    "papel papeis fatura recibo sapatos vestido camisa camiseta calca calcas meias saia pijama almofada ventilador cobertor "
    "sofa cadeira mesa curativo penso algodao frasco tubo pote elevador escada escadas andar esquina cidade hospital farmacia "
    "supermercado mercado restaurante hotel aeroporto igreja banco entrada jardim livro reservar reservo aceitam aceita "
    "comprei cozinhar limpar esfregar tocar cobrir secar ler li lido mostrar explicar explicou aprender lembro lembrar "
    "continuar aumentar reduzir diminuiu diminuindo diminuir acalmar sentar sentada lado deitar alongar levantar bicicleta "
    "yoga dancar subir caminhar jogar levarei leva fria molhar molhado chove neve vento primavera verao outono inverno "
    "velho jovem forte leve pesado fundo rapida lento facil dificil simples fresco natural confortavel relaxada paciente "
    "orgulhosa curiosa nervosa surpresa maca pao salada fruta leite acucar sal chocolate bolo suco sumo comprimidos dose "
    "receita onze doze quinze vinte trinta quarenta cinquenta cem noticia noticias foto fotos espelho mao maos pe pes joelho "
    "joelhos cotovelo ombro ombros olho olhos labios boca nariz cabeca horarios mapa direita esquerda reto plano planos "
    "voltar voltei volto trabalhar casa dirigir experimentar experimentei escolher funciona funcionou funcionando firme "
    "oleosa grudenta barato caro acordei fome sede soneca geralmente normalmente especialmente recentemente atualmente "
    "juntas juntos sozinha sido tido dizer sabe sabem saber conhecer gostava adoraria outra outras outro outros esses essas "
    "estes estas aquele aquela aquilo nisso neste nesta deste desta dele dela deles delas comprar usa usam lava lavo sinto "
    "toda equipe equipa duas lados vezes mesmo mesma fazia"
) - words("saia outra outro outras outros sozinha saber sabe dizer")

IT = elided(
    "l d un all dell nell c dall sull quest",
    "dimenticato ora qualcuno qualcosa "
    "ragazzo ragazza fidanzato fidanzata zia zio cugina cugino vicina bimba bimbo bambino bambina bambini cane gatto "
    "genitori modulo carta foglio fattura ricevuta cappotto scarpe vestito camicia maglietta pantaloni jeans calze gonna "
    "pigiama cuscino ventilatore coperta divano sedia tavolo benda cerotto cotone flacone tubetto vasetto ascensore scale "
    "piano angolo citta ospedale farmacia supermercato mercato ristorante hotel aeroporto chiesa banca ingresso giardino "
    "libro prenotare prenoto accettate accetta comprato cucinare pulire strofinare grattare toccare coprire asciugare "
    "leggere mostrare spiegare spiegato imparare ricordo ricordare aumentare ridurre ridotto diminuito calmare sedermi "
    "seduta lato lati sdraiarmi allungare sollevare bici bicicletta yoga ballare salire camminare giocare portero "
    "accompagna accompagnare fredda bagnato piove neve vento primavera estate autunno inverno vecchio giovane forte "
    "pesante profondo rapido lenta lento facile difficile semplice fresco naturale comoda comodo rilassata paziente "
    "orgogliosa curiosa nervosa sorpresa mela pane insalata frutta latte zucchero sale cioccolato torta succo compresse dose "
    "ricetta undici dodici quindici venti trenta quaranta cinquanta cento notizia notizie foto specchio mano mani piede piedi "
    "ginocchio ginocchia gomito spalla spalle occhio occhi labbra bocca naso testa orari mappa destra sinistra dritto "
    "tornare tornata tornato torno lavorare casa guidare provare provato scegliere funziona funzionato soda grassa unta "
    "economico caro sveglia fame sete pisolino generalmente normalmente specialmente recentemente attualmente insieme "
    "sanno sapete conoscere piacerebbe squadra altra altrettanti diminuita ridotta cambiata lavarla lavarlo metterla usarla "
    "comprarla comprare prenderlo farlo farla lascio adatta",
) - words("lascio sale altra")
