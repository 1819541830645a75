"""English: our own collection, from rule 17, plain speech and the slips of thumbs."""

from __future__ import annotations

from worker.rules.lexicon import Lexicon, Tongue, pattern, phrases, spread, words
from worker.rules.lexicons import everyday
from worker.rules.lexicons.shared import SHARED

_CEASE = "stop quit end cease halt desist discontinue cancel pause refrain avoid finish suspend disable terminate hold"
_ACT = (
    "sending texting messaging contacting emailing mailing writing spamming bothering harassing notifying reminding "
    "bugging pestering txting msging sms"
)
_WHAT = (
    "text texts txt txts message messages msg msgs sms reminder reminders notification notifications alert alerts "
    "email emails mail mails spam contact communication communications subscription newsletter nonsense"
)
_DO = "text txt message msg contact send sending write email mail bother spam notify remind texting messaging pester"
_TURNED = "dont doesnt not wont cant didnt never shouldnt"
_NO = "dont not never no nor"
_ABLE = "forget hesitate did didnt could couldnt why if worry have havent has hasnt sure mind received get got yet stop quit unsubscribe"

LEXICON = Lexicon(
    stop=words(
        "unscribe removeme deleteme stoptexting unsubscribing optingout stoped stopping unsubscribed cease desist discontinue"
    ),
    stop_alone=words(
        "exit leave "
        "delete block enough halt done terminate mute blocked reported junk wrong spam unwanted deactivate discontinue"
    ),
    stop_alone_phrases=phrases(
        "jog on | take a hike | on your bike | cool it | please go | just go | go",
        *spread("no", "sms|texting|texts|messages|msgs|contact|reminders|text|spam|emails"),
        *spread(
            "dont want|i dont want|dont need|i dont need|do not want|i do not want",
            "this|it|these|these anymore|this anymore",
        ),
        "not anymore | do one | over it | im out | i am out | not for me | this isnt for me | not needed | not wanted "
        "| these are not for me | i want to leave",
        "get lost | piss off | fuck off | f off | bugger off | take this off | "
        "turn off | go away | enough already | i am done | no longer | not any more | "
        "never again | shut up | not me",
    ),
    stop_phrases=phrases(
        "unsubscribe",
        "please stop | pls stop | plz stop | you to stop | you need to stop | you must stop | you have to stop "
        "| you should stop | want out | let me out | cut it out | give it a rest | lay off | back off | buzz off "
        "| go to hell | hop off | enough is enough | had enough | this is harassment | is unwanted | unsolicited "
        "| get my number | op out | forget me | forget this number | forget about me | no interest | uninterested",
        *spread("unwanted", "text|texts|message|messages|sms|contact"),
        *spread("not a|not your|no longer a|no longer your|not an", "patient|client|customer|patients|clients"),
        "not interested | no longer interested | leave us alone | lose my number | "
        "lose this number | forget my number | knock it off | is spam | as spam | stop it | "
        "had it with | take this off please | report you | reporting you | enough with | "
        "enough of | let me be | leave me be | leave me in peace | go away | get lost | "
        "sign me out | unfollow | do not disturb | turn these off | switch these off",
    ),
    stop_patterns=frozenset(
        {
            pattern("rid", "me number"),
            pattern("want wish like", "be", "removed", reach=3),
            pattern("phone number", "not isnt", "anymore longer", unless="clinic"),
            pattern("drop strike scrub cut", "me number name", "list database records system"),
            pattern(f"{_WHAT} you", "annoying harassing spamming bothering annoy"),
            pattern("dont not never", "use", "number"),
            pattern("never who didnt not", "gave give given", "number permission consent", unless="sure"),
            pattern("dont not never", "want wish like", "texted contacted messaged list emailed"),
            pattern("prefer", "not no", f"receive get getting {_WHAT}"),
            pattern("prefer", "didnt dont not", _DO),
            pattern("consent permission", "withdrawn revoked"),
            pattern("you", "dont not", "have need", _DO),
            pattern("leave", "me us number", "alone"),
            pattern("deactivate remove delete", "me", reach=1),
            pattern(_WHAT, "to", "end stop cease"),
            pattern("taken removed deleted erased get", "off from", "list records database system"),
            pattern("dont not never", "hear", "from you"),
            pattern("sick tired fed", f"{_WHAT} {_ACT}"),
            pattern("end terminate silence mute", _WHAT, unless="of day week month"),
            pattern(_CEASE, f"{_ACT} {_WHAT}", unless=f"{_TURNED} day week month session of"),
            pattern("dont not never", _DO, reach=3, unless=_ABLE),
            pattern(f"{_NO} longer", "want wish need like care desire consent agree rather", f"{_WHAT} contacted"),
            pattern("rather", "not", f"{_WHAT} {_DO} get receive"),
            pattern("no", "more further", f"{_WHAT} {_ACT}"),
            pattern("remove delete erase scrub unlist", "me number details phone name data", reach=3),
            pattern("take get keep", "me number name us phone", "off out", reach=5),
            pattern("want", "off", "list these this", reach=3),
            pattern("turn switch shut", f"{_WHAT} these", unless="on"),
            pattern("withdraw revoke retract withdrawing revoking", "consent permission agreement"),
            pattern("never not didnt", "sign signed subscribe subscribed", unless="sure in"),
            pattern("block", "me number", reach=2),
            pattern("told asked", "you", "stop", reach=6),
            pattern(_CEASE, "getting receiving", f"{_WHAT} these this them those"),
            pattern("get make", f"{_WHAT} these this them those", "stop"),
            pattern("turn switch", f"{_WHAT} these this it them", "off"),
            pattern(
                "never not didnt",
                "agree agreed consent consented ask asked request requested",
                f"{_WHAT} these this receive",
                unless="sure",
            ),
            pattern("dont didnt not never no", "want wish agree like", "receive contacted"),
            pattern("report reported block blocking", "number spam you"),
        }
    ),
    wrong_number=phrases(
        "not the person | business line | is a landline | new owner | changed owner | by that name",
        "not the right number | not the right person | no one here by that name | not her number",
    ),
    wrong_patterns=frozenset(
        {
            pattern(
                "wrong incorrect mistaken", "number nr num phone person contact recipient guy lady patient no", reach=2
            ),
            pattern("isnt not", "number phone", reach=3, unless="sure find have remember know what which see"),
            pattern("doesnt hasnt", "have got use", "number"),
            pattern("number phone", "belongs", "me someone somebody else another"),
            pattern("not", "right correct", "person number recipient"),
        }
    ),
    everything=phrases("all communications | emails and texts | texts and emails | cease all contact | any way"),
    harmless_pairs=phrases(
        "stop smiling | stop looking | stop touching | stop bleeding | stop itching | "
        "stop using | stop applying | stop taking | first stop | next stop | stop by | "
        "quit smoking | stop smoking | enough water | end up | dead end | pare down"
    ),
    courtesy=words("kindly ta cheers sorry pleas plese"),
    around_stop=words("u ur n by by now right away here there em so anymore more thats ok yes hi"),
    set_aside=phrases(
        *spread("thanks for|thank you for|thank you so much for", "everything|all|all your help"),
    ),
    misspelt=words(
        "stop unsubscribe remove cancel message messages texting sending contact delete wrong number reminders opting"
    ),
    real_words=words(
        "step shop top spot stops store crop drop stomp slop atop soup stow strop hotel stock shoe seeding spending "
        "bending lending removed remote remover tested testing taxing massage massages passage numbers wrote wring "
        "canceled cancelled cancels sent content contract contacts deleted relate mending tending resting vexing letting"
    ),
    tongues=frozenset(
        {
            Tongue(
                plain=SHARED
                | everyday.EN
                | words(
                    "a an the this that these those it its is are was were be been am im ive ill id we well were youre "
                    "i me my mine you your yours he she his her we us our they them their and or but so if then than as "
                    "at in on to for from by of with about around before after during until till since up down back here "
                    "there do does did doing can could will would shall should may might must have has had having get got "
                    "getting go going gone come coming came see seeing seen look looks looking looked feel feels feeling "
                    "felt know think thought hope hoping love loved loving like likes liked enjoy enjoyed want wanted "
                    "wait waiting use using used put putting apply applied applying wear wearing wash washing washed "
                    "take taking taken took bring bringing make making made need needs try trying tried keep keeping "
                    "drink drank drinking eat ate eating sleep slept sleeping work working worked walk run running "
                    "drive driving park parking swim swimming exercise train bath shower sauna gym pool beach holiday "
                    "sun sunshine sunburn sunscreen spf cream creams lotion serum oil moisturiser moisturizer cleanser "
                    "makeup make foundation soap water glass wine coffee food alcohol tablet paracetamol "
                    "ibuprofen vitamin retinol gel mask ice towel clothes bra leggings skin face body arm arms leg legs "
                    "belly tummy stomach thigh thighs hip hips back chest neck breast breasts mark marks stretch scar "
                    "scars area spot spots result results difference treatment treatments session sessions appointment "
                    "appointments appt visit booking book booked slot clinic practice desk reception team staff doctor "
                    "nurse dr therapist address place street building door bus taxi tube station outside inside near "
                    "nearby early earlier late later soon sooner now today tonight tomorrow tmrw tmr yesterday morning "
                    "mornings afternoon evening evenings night nights noon midday day days daily week weeks weekly month "
                    "months year monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs "
                    "fri sat sun january february march april may june july august september october november december "
                    "weekend time times hour hours minute minutes min mins second first last next one two three four five "
                    "six seven eight nine ten half quarter once twice couple few some any thing things bit little lot lots "
                    "long short big small open close which what when where how "
                    "yes yep yeah yup sure absolutely definitely course indeed thanks thank thankyou thx thnx tnx ty cheers "
                    "ta please pls welcome pleasure sorry hi hello hey dear morning afternoon great good better best well "
                    "nice fine lovely perfect perfectly amazing awesome fab fabulous fantastic excellent brilliant wonderful "
                    "cool happy glad pleased delighted excited beautiful gorgeous smooth soft softer ace grand magic "
                    "incredible impressive impressed helpful useful kind sweet clear understood understand understandable "
                    "noted received confirm confirmed confirming confirmation agree agreed right correct true sense makes "
                    "sounds sound helps info information advice tip tips guidance instructions question normal "
                    "usual ok alright all everything everyone everybody very really quite pretty so far already still just "
                    "also too again always often only even ever maybe probably possible possibly slightly mild mildly "
                    "pink red redness dry dryness tight tightness flaky peel peeling itch itchy itching tender "
                    "sensitive swelling swollen healing healed heal healthy recovering recovery improving improved "
                    "improvement recommend friends friend sister brother mum mother dad daughter son husband wife partner "
                    "kids family colleague service experience way road traffic arrive arrived arriving arrival there "
                    "rearrange reschedule postpone available availability free price cost costs pay card cash "
                    "more less same xmas christmas easter birthday merry congratulations regards wishes bless "
                    "god because while where into any anymore forward instead say said went gone shave shaving wax waxing hair legs tan tanning flight fly plane "
                    "travel travelling trip jacket umbrella scarf glasses bag gift voucher vouchers sell buy shop room rooms waiting "
                    "both each half full ready busy rested hun love darling mate babe guys ladies lady girl girls xx xoxo "
                    "hurry rush queue cab uber lift ride walk weather sunny rainy birthday party wedding work "
                    "kitchen bed pillow sheet sheets shower soap gentle gently pat dab layer layers thin thick thanks twice "
                    "moisturise moisturising hydrate hydrated hydrating vit c b e collagen aloe vera coconut shea butter "
                    "black brown purple blue white green colour color line lines fade faded fading visible noticeable notice "
                    "noticed honestly literally truly totally absolutely obviously hopefully please forwards forward tell telling say hear heard share own rest resting relax over night cold cool rain weather home house office school meeting lunch dinner "
                    "breakfast tea reply"
                )
                - words("over free"),
                fine=phrases(
                    *spread(
                        "so|very|how|not|as|too", "much better|much less|much water|many times|many days|many sessions"
                    ),
                    "so much | very much | how much | how many | much better | much less | much more | much appreciated "
                    "| many thanks | so many thanks | how many more | is it hot | hot tub | hot weather | hot bath | hot shower",
                    "fair enough | mins away | minutes away | bye for now | well done | job done | out of the sun "
                    "| stay out of the sun | avoided the gym | avoid the sun | avoid the gym | out of date | up to date "
                    "| thank you for your help | who will be doing | who will do | hot tub | who do i see",
                    *spread("another|a different", "session|appointment|day|time|cream|one|slot"),
                    *spread("thanks for|thank you for", "the reminder|the message|your message|the text|your text"),
                    *spread("thanks for|thank you for", "letting me know|the heads up|checking in|checking|asking"),
                    *spread("thanks for|thank you for", "reminding me|the reminders|your texts|the texts|the messages"),
                    *spread(
                        "move|change|swap", "my appointment|the appointment|my session|my booking|it to|my slot|to"
                    ),
                    "let me know | let you know | letting me know | cant wait | can not wait | cannot wait "
                    "| no problem | no problems | no worries | no prob | not bad | not yet | why not | "
                    "of course | see you at the end of the day | end of the day | end of the week | "
                    "end of the month | bus stop | cant stop smiling | cant stop looking | "
                    "cannot stop looking | no questions | got your message | got your text | "
                    "got the message | got the text | got the reminder | read your message | check in | "
                    "have a great day off | not at all | not sure | dont worry | stop using the cream | "
                    "stop using the serum | stop using | stop applying | without makeup | without make up | "
                    "look out | working out | work out | days off | day off | no need to worry | "
                    "on the list | what number is the house | phone number of the clinic | "
                    "your phone number | wont be late | cant thank you enough | couldnt be happier | stopped itching | stopped peeling | itching has stopped | waiting room | not a problem | text me when | call me when | send me the address | stop taking | "
                    "could not be happier | the other day | new year | how is everyone",
                ),
                negations=words("no not dont doesnt isnt arent didnt havent hasnt wasnt"),
                symptoms=words(
                    "pain pains painful hurt hurts hurting sore soreness redness red pink itchy itch itching swelling "
                    "swollen dry tight burning bleeding blisters blister fever bruising bruise bruises problem problems "
                    "issue issues discomfort reaction reactions irritation irritated complaints worse tender bad scabs scab peeled flaky stinging sting tightness complaint scared "
                    "peeling question questions worries side effects"
                ),
            )
        }
    ),
)
