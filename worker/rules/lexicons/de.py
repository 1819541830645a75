"""German: our own collection; verbs fall apart ("hören Sie auf"), so most of it is patterns."""

from __future__ import annotations

from worker.rules.lexicon import Lexicon, Tongue, pattern, phrases, spread, words
from worker.rules.lexicons import everyday
from worker.rules.lexicons.shared import SHARED

_WHAT = (
    "sms nachricht nachrichten erinnerung erinnerungen mail mails meldungen kontakt werbung texte whatsapp benachrichtigungen "
    "benachrichtigung newsletter kontaktaufnahme anrufe infos"
)
_ACT = "schreiben schicken senden kontaktieren anschreiben belastigen nerven zuschicken zusenden texten simsen melden"
_CEASE = (
    "stop stopp stoppen stoppt stoppe aufhoren einstellen beenden abbestellen abstellen unterlassen stornieren kundigen"
)
_TELL = (
    "schreib schreiben schreibt kontaktieren kontaktiert kontaktiere schicken schick schickt senden sendet sende texten "
    "melden meldet belastigen"
)
_NO = "nicht nie keine kein keinen keinerlei nichts"
_ERASE = "loschen loscht losche loesche loeschen entfernen entfernt streichen streicht streich austragen"
_MINE = "nummer daten liste verteiler telefonnummer handynummer kontakt eintrag"

LEXICON = Lexicon(
    stop=words(
        "stopp stoppen stoppt stoppe abmelden abmeldung abbestellen abbestellung aufhören aufhoeren austragen widerruf "
        "widerrufe unterlassen halt"
    ),
    cancel=words("stornieren kündigen kuendigen absagen"),
    stop_alone=words(
        "löschen loeschen ruhe schluss genug stornieren kündigen kuendigen ende raus absagen reichts einstellen beenden"
    ),
    stop_alone_phrases=phrases(
        *spread("kein|keine|keinen", "kontakt|sms|nachrichten|nachricht|erinnerungen|werbung|mails"),
        "nie wieder | weg damit | es reicht | jetzt reicht es | jetzt reichts | nicht mehr | "
        "schluss jetzt | ruhe jetzt | melde mich ab | ich melde mich ab | "
        "will ich nicht mehr | das reicht jetzt | ich will das nicht mehr | das will ich nicht "
        "| ich will das nicht | jetzt ist schluss | mir reichts",
    ),
    stop_phrases=phrases(
        "kein interesse | nicht interessiert | lass das | lassen sie das | lasst das | ist spam "
        "| kein bedarf | kein bock | keine lust auf eure | nicht mehr interessiert | hor auf | horen sie auf | hort auf | "
        "hor endlich auf | verpiss dich | nehmen sie mich raus | nichts mehr von ihnen | "
        "nichts mehr von euch | unterlassen sie"
    ),
    stop_patterns=frozenset(
        {
            pattern("nicht nie", "kontaktiert angeschrieben belastigt", "werden"),
            pattern("satt leid", _WHAT),
            pattern("sollen sollt", "aufhoren", reach=3),
            pattern(_CEASE, f"{_WHAT} {_ACT}", unless="nicht"),
            pattern(
                _WHAT,
                "stoppen einstellen beenden abbestellen abstellen unterlassen kundigen stornieren",
                unless="nicht",
            ),
            pattern("hor hore horen hort", "auf", reach=4, unless="kann rat ihren"),
            pattern("schluss genug aufhoren aufzuhoren reicht", _WHAT),
            pattern("keine kein keinen keinerlei", _WHAT, "mehr", unless="habe hab warum wieso"),
            pattern("keine kein keinen keinerlei", "weitere weiteren weiterer", f"{_WHAT} {_ACT}", unless="habe hab"),
            pattern(
                "nicht nie",
                "mehr wieder",
                f"{_ACT} angeschrieben kontaktiert bekommen erhalten",
                unless="kann konnte habe",
            ),
            pattern(_TELL, _NO, f"mehr wieder {_WHAT}", unless="kann konnte"),
            pattern("will mochte mocht wunsche wollen wurde brauche benotige", "keine kein keinerlei nichts", _WHAT),
            pattern(
                "will mochte wunsche brauche benotige",
                "nichts keine",
                "mehr",
                f"bekommen erhalten horen {_WHAT}",
                reach=5,
            ),
            pattern(_ERASE, f"{_MINE} mich", reach=5),
            pattern(f"{_MINE} mich", _ERASE, reach=5, unless="nicht"),
            pattern("nehmen nehmt nimm", "liste verteiler kartei raus heraus", reach=6),
            pattern("verteiler liste", "nehmen streichen austragen abmelden loschen"),
            pattern("tragen trag tragt", "mich", "aus", reach=6),
            pattern("melden meld meldet", "mich", "ab", reach=6),
            pattern("mich", "abmelden abzumelden austragen auszutragen", reach=5, unless="nicht"),
            pattern("widerrufe widerrufen ziehe entziehe", "einwilligung zustimmung erlaubnis einverstandnis"),
            pattern("kundige kundigen beende storniere", _WHAT),
            pattern("verzichte", _WHAT),
            pattern("lass lasst lassen", "ruhe frieden", reach=5),
            pattern("lass lasst lassen", "das", _WHAT, reach=3),
            pattern("stellen stellt stell stelle", f"{_WHAT} das", "ab ein", reach=5),
            pattern("sehen seht sieh", _WHAT, "ab", reach=5),
            pattern("genug satt", _WHAT, reach=5),
            pattern("nichts nix", "mehr", f"{_ACT} horen bekommen"),
            pattern("nichts nix", "horen", "mehr", reach=3),
            pattern("nehmen nehmt nimm", "nummer mich", "raus heraus", reach=5),
            pattern("nicht nie", "zugestimmt eingewilligt angemeldet", unless="sicher"),
        }
    ),
    wrong_number=phrases("verwahlt | falsch verbunden | nicht meine nummer"),
    wrong_patterns=frozenset(
        {
            pattern(
                "falsche falschen falscher falsch",
                "nummer person empfanger telefonnummer anschluss handynummer",
                reach=2,
            ),
            pattern("nummer person", "geirrt falsch verwahlt vertan"),
            pattern("geirrt vertan", "nummer person"),
            pattern("ist", "nicht", "nummer", reach=3, unless="sicher"),
            pattern("nicht", "richtige richtigen richtiger", "person nummer empfanger"),
            pattern("nummer telefonnummer handy handynummer telefon", "gehort"),
            pattern("verwechseln verwechselt", "mich", reach=2),
        }
    ),
    everything=phrases("kontaktieren sie mich nicht | kein kontakt | jede kontaktaufnahme | alles | jeglichen kontakt"),
    negations=words("nicht"),
    harmless_pairs=phrases(
        "halt so | halt dann | halt noch | ist halt | das halt | ich halt | am ende | creme stoppen"
    ),
    courtesy=words("bitte danke mfg lg sorry hallo entschuldigung dankeschon"),
    around_stop=words(
        "ich mich mir mein meine meinen sie ihr euch uns das die der den dem des von vom aus mit auf zu zum fur endlich "
        "sofort jetzt ab mochte will wollen bitte nachrichten nachricht sms nummer daten liste alles alle diese diesen hiermit "
        "gerne schreiben senden schicken kann wie"
    ),
    set_aside=phrases(
        *spread("danke fur|vielen dank fur", "alles|die hilfe|ihre hilfe|die gute betreuung"),
    ),
    misspelt=words(
        "abmelden abbestellen aufhoren stoppen nachrichten falsche nummer widerrufe austragen loschen kundigen"
    ),
    real_words=words(
        "anmelden melden stopfen tropfen klappen schoppen aufhort flasche nachricht summer immer kummer nummern anhoren "
        "gehoren austragung abholen loschung bestellen abmeldet loschten lschen"
    )
    - words("lschen"),
    tongues=frozenset(
        {
            Tongue(
                plain=SHARED
                | everyday.DE
                | words(
                    "ab aber als also am an auch auf bei beim bin bis bist da dabei dafur damit danach dann daran das dass "
                    "dein deine dem den denn der des dich die dies diese dieser dieses dir doch dort du durch ein eine einem "
                    "einen einer eines er es etwas euch euer eure fur gar gegen habe haben hab hat hatte hatten hier ich ihm ihn ihnen "
                    "ihr ihre ihrem ihren im in ins ist ja je jede jeden jetzt kann kannst konnen konnte konnten "
                    "mal man mein meine meinem meinen meiner mich mir mit mochte muss mussen nach neben noch nun nur ob oder "
                    "schon sehr seit sich sie sind so soll sollte sollen sondern sonst um und uns unser unsere unter vom von "
                    "vor wann war waren warte warten was weil welche welchen welcher wenn wer werde werden wie wieder wir wird "
                    "wo wohl wurde wurden zu zum zur zwei drei vier funf sechs sieben acht neun zehn halb viertel mehr weniger "
                    "viele vielen wenig bisschen bissl alle allem alles allen ganz gut gute guten guter gutes besser "
                    "bessere bestens besten beste toll tolle tolles prima super klasse spitze perfekt wunderbar wunderschon "
                    "schon schone schones schonen schoner hubsch fantastisch hervorragend ausgezeichnet genial cool fein nett "
                    "nette lieb liebe lieben lieber freundlich freundlichen freundliche herzlich herzlichen herzliche "
                    "zufrieden glucklich begeistert froh frohe frohes freue freuen freut lacheln weich glatt sanft danke "
                    "dank dankeschon dankbar bitte gern gerne geschehen verstanden verstehe notiert erhalten bekommen klar "
                    "okay jawohl genau richtig stimmt sicher naturlich selbstverstandlich bestatige bestatigt bestatigung "
                    "passt einverstanden geht gehts gehen gehe ging gegangen komme kommen kommt gekommen bringe bringen "
                    "mitbringen bleibe bleiben mache machen macht gemacht tue tut tun getan nehme nehmen genommen trage "
                    "auftragen aufgetragen benutze benutzen verwende verwenden eincremen eingecremt creme cremes salbe lotion "
                    "serum ol sonnencreme sonnenschutz lichtschutz sonne wasser seife waschen duschen dusche baden bad "
                    "schwimmen schwimmbad sauna sport training fitness laufen strand urlaub schminken make up makeup essen "
                    "trinken getrunken glas wein bier kaffee alkohol tablette paracetamol ibuprofen kleidung haut gesicht "
                    "korper arm arme bein beine bauch oberschenkel hufte brust hals rucken streifen dehnungsstreifen narbe "
                    "narben stelle stellen bereich ergebnis ergebnisse unterschied behandlung behandlungen sitzung sitzungen "
                    "termin termine praxis klinik empfang team arzt arztin doktor frau herr schwester adresse strasse haus tur "
                    "eingang bus bahn zug auto stau verkehr parken parkplatz parkplatze unterwegs gleich weg drinnen draussen "
                    "nahe heute morgen gestern ubermorgen abend abends nachmittag vormittag mittag nacht tag tage tagen taglich "
                    "woche wochen monat monate jahr jahre stunde stunden uhr minute minuten mal zeit fruh fruher spat spater "
                    "spate bald kurz lange lang oft immer montag dienstag mittwoch donnerstag freitag samstag samstags "
                    "sonntag sonntags montags januar februar marz april mai juni juli august september oktober november "
                    "dezember wochenende nachste nachsten nachster erste ersten letzte dauert dauern normal rot rote rotung "
                    "rosa trocken trockene spannt juckt jucken juckreiz geschwollen empfindlich leicht leichte "
                    "schwellung heilt verheilt geheilt fuhle fuhlt fuhlen sieht sehe sehen seht gesehen aussieht finde "
                    "denke glaube hoffe weiss wissen schlafen geschlafen empfehle empfehlen freundin freund mutter mama "
                    "vater tochter sohn mann familie kostet kosten preis zahlen karte bar geoffnet offen offnungszeiten auf "
                    "weihnachten ostern geburtstag neues fest feiertage grusse gruss grussen hallo hi hey moin servus guten entschuldigung "
                    "entschuldigen verzeihung sorry antwort antworten information informationen info infos hinweis hinweise "
                    "tipp tipps rat hilfe hilft geholfen frage moglich ebenfalls ebenso gleichfalls auch lg vg mfg klingt "
                    "schonen ihnen stehe stehen sitze darf durfen durfte brauche verschieben verlegen verspate verspatung "
                    "bestimmt jeweils wieviel wirklich echt inzwischen langsam schnell arbeit arbeiten brav fleissig rasieren rasiere haare wachs verkaufen gutschein gutscheine geschenk kaufen schal jacke tasche brille "
                    "schirm wartezimmer wartet flug flieger reise reisen urlaub hochzeit feier vitamin vitamine c e kollagen aloe "
                    "vera kokosol butter schicht dunn blau lila weiss farbe linie linien sichtbar verblasst zweiten zweite dritten "
                    "dritte beim lauft punktlich neues buro schule besprechung mittagessen abendessen fruhstuck regen kalt wetter "
                    "bett laken handtuch eis gel sauber wasche pflege pflegen gepflegt ruhig tatsachlich ehrlich total absolut "
                    "susse schatz liebes madels leute merci cool bringe wirkt aussehen herrlich "
                )
                - words("ab weg bar raus"),
                fine=phrases(
                    *spread(
                        "sieht", "aus|gut aus|super aus|toll aus|schon aus|besser aus|viel besser aus|sehr gut aus"
                    ),
                    "viel besser | wie viel | so viel besser | viel weniger | viel spass | viel schoner | aus der praxis | viel wasser "
                    "| von zu hause aus",
                    *spread("andere|anderen|anderes|gute", "sitzung|termin|tag|creme|mal|nachrichten|nachricht"),
                    *spread(
                        "danke fur|dank fur",
                        "die nachricht|ihre nachricht|die erinnerung|die sms|die nachrichten|deine nachricht",
                    ),
                    *spread("danke", "der nachfrage|furs erinnern|fur die erinnerungen|fur die ruckmeldung"),
                    "kein problem | keine sorge | keine ursache | kein thema | kein ding | warum nicht | "
                    "noch nicht | aufhoren zu lacheln | kann nicht aufhoren zu lacheln | "
                    "mit der creme aufhoren | keine frage | juckreiz hat aufgehort | mit vitamin c aufhoren | die adresse schicken | nichts neues | ohne schminke | kann es kaumn | ab wann | nachricht erhalten | "
                    "nachricht bekommen | nicht schlecht | gut zu wissen | keine frage | ende der woche | "
                    "am ende des tages | kann es kaum erwarten | ohne make up | ohne probleme | los geht | "
                    "einen schonen feierabend | schonen feierabend | bis dahin",
                ),
                negations=words("nicht kein keine keinen keinerlei ohne"),
                symptoms=words(
                    "schmerzen schmerz weh rot rotung rotungen juckt juckreiz geschwollen schwellung trocken brennt brennen "
                    "blutet fieber problem probleme blasen blutung beschwerden reaktion fragen sorgen nebenwirkungen schlimm"
                ),
            )
        }
    ),
)
