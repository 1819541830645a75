"""Italian: our own collection; pronouns hang on the verb ("scrivetemi"), so forms are written out."""

from __future__ import annotations

from worker.rules.lexicon import Lexicon, Tongue, pattern, phrases, spread, words
from worker.rules.lexicons import everyday
from worker.rules.lexicons.shared import SHARED, elided

_WHAT = (
    "messaggi messaggio messaggini sms promemoria notifica notifiche comunicazioni comunicazione avvisi avviso msg invii invio "
    "mail email pubblicita contatto"
)
_ACT = (
    "scrivere scrivermi scriverci mandare mandarmi inviare inviarmi contattare contattarmi disturbare disturbarmi spammare "
    "rompere tormentarmi"
)
_CEASE = (
    "smettere smettila smettetela smetta smettete smetti smetterla fermate fermatevi fermare basta stop interrompere "
    "interrompete interrompa sospendere sospendete sospenda finitela finiscila piantatela piantala bloccare bloccate annullare"
)
_TELL = (
    "scriviate mandiate contattiate disturbiate disturbino scrivano mandino "
    "scrivetemi scrivermi scriva scrivete scrivere scrivi scrivimi mandatemi mandarmi mandate mandi mandare mandarci inviatemi "
    "inviarmi inviate inviare invii contattate contattatemi contattarmi contattare contatti disturbate disturbatemi "
    "disturbarmi disturbare disturbi spammate"
)
_ERASE = (
    "cancella cancellate cancellare cancelli rimuovi rimuovete rimuova rimuovere togliete togli tolga togliere elimina eliminate "
    "elimini eliminare cancellatemi cancellami rimuovetemi rimuovimi toglietemi toglimi eliminatemi eliminami"
)

LEXICON = Lexicon(
    stop=words(
        "smettetela smettila smettete fermatevi cancellami cancellatemi rimuovimi rimuovetemi toglimi toglietemi eliminami "
        "eliminatemi disiscrivimi disiscrivermi disiscrivere disiscrizione disiscrivetemi disiscrivi piantatela piantala "
        "finitela"
    ),
    cancel=words("annulla annullare disdire disdetta cancella cancellare cancellazione"),
    stop_alone=words(
        "uscire esci revoca revocare terminare "
        "fermare smettere annulla annullare disdire disdetta cancella cancellare cancellazione rimuovi rimuovere interrompere "
        "fermati fermate eliminare interrompi interrompete stoppare"
    ),
    stop_alone_phrases=phrases(
        *spread("no|niente|zero|senza", "messaggi|sms|messaggio|avvisi|promemoria|contatti|spam"),
        "non li voglio | non lo voglio | non mi servono | non mi serve | non fa per me | non interessa | via | via da qui "
        "| non lo voglio piu | non li voglio piu | non desidero | chiudete",
        "mai piu | non piu | non voglio | non voglio piu | non scrivere | basta cosi",
    ),
    stop_phrases=phrases(
        "vai via | va via | vada via",
        "voglio uscire | voglio che smettiate | per favore basta | basta per favore | non ne posso piu | ne ho abbastanza "
        "| sono stufa | sono stufo | e una molestia | dimenticatemi | dimenticate il mio numero | non sono una paziente "
        "| non sono piu paziente | non sono piu cliente | non sono piu una paziente | non sono piu una cliente | andate via "
        "| non usate il mio numero | non ho interesse | non mi serve piu | non mi servono piu | nessuno interesse",
        "non mi interessa | non sono interessata | non sono interessato | non interessato | "
        "non interessata | nessun interesse | in pace | lasciami stare | lasciatemi stare | "
        "mi lasci stare | spam | niente piu sms | la smettete | la smetta | nemmeno un messaggio | disiscrivermi | disiscrivetemi | disiscrivimi "
        "| cancellatemi | toglietemi dalla | rimuovetemi dalla",
    ),
    stop_patterns=frozenset(
        {
            pattern("non", "autorizzo permetto", "uso luso usare"),
            pattern("nemmeno neanche", _WHAT),
            pattern("mai non", "dato do dati", "numero consenso permesso autorizzazione"),
            pattern("mai non", "chiesto richiesto autorizzato accettato", f"{_WHAT} questo questi ricevere"),
            pattern("preferisco preferirei", "non", f"ricevere {_ACT}"),
            pattern("blocco bloccare blocchero segnalo segnalare denuncio", f"numero {_WHAT} spam vi"),
            pattern("disattivare disattivate disattiva silenziare chiudere fermi", f"{_WHAT} servizio"),
            pattern("smettete smettetela smetta smettila", "di con", reach=2, unless="non"),
            pattern("lasciate lasci", "mio", "numero", "pace"),
            pattern(
                "smetteste smettessero evitate eviti evitare terminate termini stufa stufo stanca", f"{_ACT} {_WHAT}"
            ),
            pattern("non", "essere", "contattata contattato disturbata disturbato"),
            pattern("essere", "tolta tolto rimossa rimosso cancellata cancellato", "lista elenco"),
            pattern("cancellazione rimozione", "numero dati contatto"),
            pattern("non", "voglio", "sentirvi", reach=3),
            pattern(_CEASE, f"{_WHAT} {_ACT}", unless="non riesco bus"),
            pattern(
                "non nn mai",
                _TELL,
                unless="posso potevo dimenticate dimenticare esitate esiti riesco potro riuscivo smettete smettetela smetta smettere",
            ),
            pattern(
                "non nn",
                "voglio vogliamo desidero desidera vorrei bisogno autorizzo accetto intendo",
                f"{_WHAT} ricevere",
            ),
            pattern("non nn", "voglio desidero", "essere", "contattata contattato"),
            pattern("niente nessun nessuno", "piu altro altri altre", _WHAT, reach=2),
            pattern("niente", _WHAT, reach=1),
            pattern(_ERASE, "numero lista dati rubrica contatto telefono nominativo elenco"),
            pattern("levate levatemi levami leva toglietemi toglimi", "lista numero elenco"),
            pattern("smettere smetto", "ricevere", reach=2),
            pattern("non", "ricevere", "piu altri questi"),
            pattern("abbastanza", _WHAT),
            pattern("revoco ritiro revocare ritirare annullo", "consenso autorizzazione permesso"),
            pattern("annulla annullare annullate disdire cancellare", f"{_WHAT} iscrizione servizio"),
        }
    ),
    wrong_number=phrases("sbagliato numero | sbagliate numero | sbaglia numero"),
    wrong_patterns=frozenset(
        {
            pattern("non", "sono", "persona", reach=3),
            pattern("non", "conosco", "persona signora studio clinica", reach=3),
            pattern("numero persona contatto", "sbagliato sbagliata errato errata", reach=2),
            pattern("sbagliato sbaglia sbagliate errato", "numero persona"),
            pattern("non", "e", "numero telefono", reach=2, unless="qual quale"),
            pattern("numero telefono cellulare", "non", "e", reach=2, unless="qual quale"),
            pattern("numero telefono", "non", "e", "piu suo sua", reach=2),
            pattern("sbagliando sbagliate sbaglia sbagliato", "non", reach=4),
        }
    ),
    everything=phrases("tutto | non contattatemi | non mi contattate | non contattarmi | nessun contatto"),
    negations=words("non riesco"),
    harmless_pairs=phrases("fermata bus | basta crema | basta una | basta un | mi basta | basta lavare | basta acqua"),
    courtesy=words("grazie prego piacere cortesia favore scusate scusi mi spiace dispiace ciao buongiorno salve molte"),
    around_stop=words(
        "mio mia miei il lo la i gli le un una questo questa questi queste con di da dal dalla alla ai al del dei degli ora adesso "
        "subito si detto gia ho vi messaggi messaggio sms numero lista tutto iscrizione faccio come voglio cosi invio gentilmente"
    ),
    set_aside=phrases(
        *spread("grazie di|grazie per", "tutto|tutto quanto|laiuto"),
    ),
    misspelt=words(
        "basta messaggi scrivetemi cancellatemi smettetela numero sbagliato disiscrivimi rimuovetemi mandatemi"
    ),
    real_words=words(
        "pasta hasta vasta casta basti messaggio massaggi massaggio numeri scrivete sbagliata bastano posta busta cancellate "
        "mandate scrivermi vista baste"
    ),
    tongues=frozenset(
        {
            Tongue(
                plain=SHARED
                | everyday.IT
                | elided(
                    "l d un all dell nell c dall sull quest",
                    "a ad agli ai al alla alle allo anche ancora avere avete avevo ho hai ha abbiamo hanno avro che chi ci cio "
                    "come con cosa cosi cui da dagli dal dalla dalle dallo dai dei del della delle dello degli di dopo dove "
                    "due tre quattro cinque sei sette otto nove dieci mezza mezzo quarto e ed era ero essere stata stato siete "
                    "siamo sono sei saro sara sarei fa faccio fare fatto faro fate fra gia gli i il in io la le lei li lo loro "
                    "lui ma me mi mia mie miei mio ne negli nei nel nella nelle noi nostra nostro o oppure per perche pero po "
                    "poco poi prima proprio qua qual quale quali qualche qualcosa quando quanta quante quanti quanto quella "
                    "quello questa queste questi questo qui se si solo sopra sta stanno stai sto stare state su sua sul sulla "
                    "suo tra tu tua tuo te ti un una uno va vado vai andare andata andato andro viene vengo venire verro vi vostra vostro "
                    "vostri voi puo posso possiamo potete potrei poteva devo deve dobbiamo devono voglio vorrei metto mettere "
                    "messo messa usare uso usato applico applicare lavare lavarmi truccarmi trucco truccare bagno doccia nuotare "
                    "piscina palestra spiaggia mare sauna sport correre sole solare protezione crema creme lozione siero olio "
                    "idratante sapone acqua bicchiere vino birra caffe bere bevuto mangiare cibo alcol prendere preso compressa "
                    "paracetamolo tachipirina ibuprofene vestiti pelle viso corpo braccio braccia gamba gambe pancia coscia "
                    "cosce fianchi petto seno collo schiena smagliatura smagliature zona zone segno segni risultato risultati "
                    "differenza trattamento trattamenti seduta sedute appuntamento appuntamenti visita orario prenotazione "
                    "studio clinica reception staff team dottore dottoressa dottor dott dr infermiera indirizzo via strada porta "
                    "palazzo autobus bus metro treno macchina traffico parcheggiare parcheggio fuori dentro davanti vicino oggi "
                    "domani ieri sera serata stasera mattina mattino notte pomeriggio giorno giorni giornata settimana settimane "
                    "mese mesi anno anni ora ore minuto minuti volta volte momento presto tardi dopo adesso sempre spesso lunedi "
                    "martedi mercoledi giovedi venerdi sabato domenica gennaio febbraio marzo aprile maggio giugno luglio agosto "
                    "settembre ottobre novembre dicembre fine prossima prossimo ultima molto molta molte molti tanto tante tanta "
                    "meno meglio migliore migliorata migliorato migliorando tutto tutta tutti tutte bene benissimo buono "
                    "buona buon buone bella bello belle bellissima bellissimo ottimo ottima ottimi perfetto perfetta eccellente "
                    "eccellenti fantastico fantastica meraviglioso meravigliosa stupendo splendido splendida incredibile super "
                    "felice felicissima contenta contento soddisfatta soddisfatto adoro amo piace piaciuto piacere gentile "
                    "gentili gentilissima gentilissimi bravi bravissimi professionale servizio lavoro grazie mille infinite "
                    "ringrazio prego certo certamente capito chiaro chiarissimo ricevuto ricevuta segnato annotato confermo "
                    "confermato confermata confermare conferma accordo daccordo esatto giusto sicuro sicuramente volentieri "
                    "altrettanto ugualmente anche ciao salve buongiorno buonasera buonanotte buonasera arrivederci saluti saluto "
                    "abbraccio abbracci baci bacio cordiali distinti natale pasqua compleanno auguri favore cortesia scusate "
                    "scusi scusa perdono spiace dispiace ritardo risposta rispondere informazione informazioni info consiglio "
                    "consigli aiuto domanda indicazioni istruzioni normale possibile rosso rossa rossore rosa secca secco "
                    "secchezza tira prude pruda pruriti gonfio gonfia gonfiore sensibile morbida liscia sento sentire "
                    "sente sentita vedo vede vedere vediamo visto penso credo spero aspetto aspettare dormire dormito riposare "
                    "continuo continuare dura durano durare consiglia consigliate consigliare amica amiche amico sorella fratello "
                    "madre mamma figlia figlio marito famiglia costa costano prezzo pagare carta contanti aperti aperto aperta "
                    "aprite arrivo arrivare arrivata arrivato arrivando porto portare posto posta letto leggero leggera leggermente "
                    "sapere sapersi so ahah ahahah tempo quindi intanto davvero veramente proprio ok si rimandare anticipare ogni "
                    "finalmente subito bel tale dolce piccolo piccola persone nuova vista stamattina passo passare depilare depilarmi ceretta radere peli vendete buoni regalo comprare sciarpa giacca borsa "
                    "occhiali ombrello sala attesa volo aereo viaggio viaggiare vacanza vacanze matrimonio festa vitamina vitamine e "
                    "c collagene aloe vera cocco burro strato sottile blu viola bianco nera colore linea linee visibile visibili "
                    "seconda terza puntuale puntuali interessamento novita vorrebbe vorremmo ufficio scuola riunione pranzo cena "
                    "colazione pioggia freddo meteo lenzuola asciugamano ghiaccio gel pulito cura curare guarita guarito "
                    "sparito passato passata prurito riposata amore cara cari ragazze ragazzi gente verita totalmente onestamente "
                    "gentilezza disponibile disponibilita ",
                )
                - words("fuori fine letto nuova"),
                fine=phrases(
                    *spread("unaltra|un altro|altra", "seduta|visita|crema|giorno|appuntamento|volta"),
                    *spread(
                        "grazie per|grazie del", "il promemoria|il messaggio|messaggio|promemoria|i messaggi|lavviso"
                    ),
                    *spread(
                        "grazie per", "avermi avvisato|avermi avvisata|avermelo ricordato|il pensiero|avermi scritto"
                    ),
                    *spread(
                        "spostare|cambiare",
                        "lappuntamento|il mio appuntamento|la seduta|lorario|la visita|appuntamento",
                    ),
                    "nessun problema | non ce problema | non ci sono problemi | senza problemi | perche no "
                    "| non male | smettere di usare | non riesco a smettere di sorridere | "
                    "smettere di mettere | un po piu tardi | qui fuori | la fuori | sono fuori | "
                    "fine settimana | fermata del bus | non vedo lora | non ancora | buon fine settimana | "
                    "piu morbida | piu bella | piu tardi | piu presto | di piu | molto piu | "
                    "non si preoccupi | non ti preoccupare | non preoccupatevi | senza trucco | ho letto | "
                    "va piu che bene | ho ricevuto il messaggio | ricevuto il messaggio | a piu tardi | "
                    "sempre piu | letto tutto | nessuna novita | smettere con la vitamina c | mandarmi l'indirizzo | inviarmi l'indirizzo | basta una volta | non si preoccupi",
                ),
                negations=words("non nessun nessuna niente senza piu nulla"),
                symptoms=words(
                    "male dolore dolori rosso rossa rossore prude prurito gonfio gonfia gonfiore secca brucia bruciore sanguina "
                    "sangue febbre problema problemi reazione fastidio bolle domande dubbi irritata irritazione"
                ),
            )
        }
    ),
)
