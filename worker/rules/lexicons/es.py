"""Spanish, of Spain and the Americas: our own collection, after rule 16 and how people write to a clinic."""

from __future__ import annotations

from worker.rules.lexicon import Lexicon, Tongue, pattern, phrases, spread, words
from worker.rules.lexicons import everyday
from worker.rules.lexicons.shared import SHARED

_CEASE = (
    "parar pare paren parad para basta suficiente cesar cese cesen suspender suspenda suspendan detener detengan stop"
)
_LEAVE = "deje deja dejen dejad dejar dejame dejenme para pare paren"
_ACT = (
    "escribir escribirme escribirnos mandar mandarme mandarnos enviar enviarme contactar contactarme molestar molestarme "
    "textear llamar llamarme mandando enviando escribiendo molestando"
)
_WHAT = (
    "mensaje mensajes sms aviso avisos recordatorio recordatorios notificacion notificaciones publicidad correos envio "
    "envios msj msjs mensajitos msg texto textos contacto"
)
_DO = (
    "escriban escriba escribas escriben escribais mande mandes manden mandeis envie envies envien envieis contacte contacten "
    "contactes moleste molesten molestes molesteis texteen llamen"
)
_ERASE = (
    "borrar borre borren borra elimine eliminen elimina eliminar quite quiten quita quitar saque saquen saca sacar "
    "remueva remuevan remover retire retiren retirar quitame quitenme quiteme sacame saquenme saqueme borrame borrenme"
)

LEXICON = Lexicon(
    stop=words(
        "borrame borreme borrenme eliminame elimineme eliminenme quitenme saquenme desuscribir desuscribirme "
        "desuscribanme desuscribeme desuscribirse desinscribir desinscribirme desinscribanme paren parad parenle bastaa"
    ),
    cancel=words("cancelar anular cancelacion"),
    stop_alone=words(
        "salir salirme revocar desactivar terminar finalizar silencio bloqueado parale fin cancele cancelen "
        "para borrar eliminar cancelar anular suficiente quitar quitame sacame callense cancelacion detener cancelo anulo"
    ),
    stop_alone_phrases=phrases(
        "no autorizo | no enviar | no escribir | no llamar | ya estuvo | ni uno mas | quiero cancelar | no insistan | salir de la lista "
        "| ya dejenme | dejenme ya | dejenme | dejame | dejame ya | no me interesan | ya no hace falta | no hace falta | borralo | alto ahi",
        *spread("no|sin|cero", "mensajes|sms|mensaje|avisos|recordatorios|contacto|spam"),
        "no los quiero | no las quiero | no los necesito | no quiero esto | no quiero estos | ya no lo quiero | ya no los quiero "
        "| fuera | fuera de aqui | no es para mi | no lo deseo | ya esta bien | no deseo",
        "ya no mas | ya no | nunca mas | no quiero | no quiero mas | ya no quiero "
        "| doy de baja | ya no quiero mas | baja ya | no quiero nada | no quiero nada mas",
    ),
    stop_phrases=phrases(
        "no interesan sus mensajes | no me interesan | no estamos interesados | no estamos interesadas | no chinguen | no jodan "
        "| no fastidien | no den lata | no quiero contacto | consiguieron mi numero | sacaron mi numero | no me suscribi "
        "| me tienen harta | me tienen harto | no soy la senora | no soy el senor | baja del servicio | no vive aqui",
        "quiero salir | quiero salirme | quiero que paren | por favor paren | paren por favor | que paren | que pare ya "
        "| estoy harta | estoy harto | sin interes | ningun interes | no tengo interes | ya fue suficiente | es acoso "
        "| olvidense de mi | olvidenme | vayanse | no soy paciente | ya no soy paciente | no soy clienta | no soy cliente "
        "| ya no soy clienta | ya no soy cliente | larguense | no gasten mensajes | no usen mi numero | no use mi numero",
        "no me interesa | no estoy interesada | no estoy interesado | no molestar | ya basta | "
        "basta ya | en paz | dejame tranquila | dejame tranquilo | dejenme tranquila | "
        "dejenme tranquilo | es spam | doy de baja | nada de ustedes | no molesten | "
        "deme de baja | denme de baja | darme de baja | dame de baja | borrenme | eliminenme | "
        "desuscribirme | desuscribanme | borrame de | eliminame de | sacame de la lista",
    ),
    stop_patterns=frozenset(
        {
            pattern("no", "autorizo permito", "uso usar"),
            pattern(
                "dejen deje deja dejad",
                "de",
                "insistir chingar fastidiar joder llamar contactarme",
                reach=2,
                unless="no",
            ),
            pattern("no", "deseo quiero", "seguir", "recibiendo"),
            pattern("no", "falta", _DO),
            pattern("no", "usen use uses utilicen", "numero"),
            pattern("revocar retirar", "consentimiento permiso autorizacion"),
            pattern("pausar pausen detenga detenganse parenle parale", f"{_WHAT} esto"),
            pattern("saqueme sacame saquenme", "de", "aqui ahi", reach=2),
            pattern("nunca no", "di dado doy dimos", "numero consentimiento permiso autorizacion"),
            pattern("nunca no", "pedi solicite autorice acepte", f"{_WHAT} esto estos recibir"),
            pattern("quien", "numero", reach=6, unless="cual es"),
            pattern("prefiero preferiria", "no", f"recibir {_ACT} {_WHAT}"),
            pattern("bloquear bloqueo bloqueare bloqueen denunciar denunciare", f"numero {_WHAT}"),
            pattern(
                "desactivar desactiven desactive silenciar terminar finalizar finalicen apagar apaguen",
                f"{_WHAT} servicio",
            ),
            pattern("dejen deje deja dejar", "mi", "numero", "paz"),
            pattern("eviten evite evita evitar terminen termine", f"{_ACT} {_WHAT}"),
            pattern("no", "deseo quiero quisiera", "contactada contactado contacten escriban manden"),
            pattern("no", "saber", "ustedes vosotros"),
            pattern("harta harto cansada cansado hasta", _WHAT),
            pattern("quitarme borrarme eliminarme sacarme quiten borren saquen", "lista base sistema"),
            pattern(_CEASE, _WHAT, unless="no puedo"),
            pattern(_LEAVE, "de", _ACT, reach=2, unless="no"),
            pattern("no nunca jamas ni tampoco", _DO, unless="olvide olviden dude duden dudes si"),
            pattern("no ni", _ACT, "mas nunca", unless="puedo pude podre dude olvide"),
            pattern("no nunca", "vuelva vuelvan vuelvas", _ACT),
            pattern(
                "no",
                "quiero quiere quisiera deseo desea necesito autorizo acepto kiero",
                f"{_WHAT} recibir informacion",
            ),
            pattern("no ningun", "mas", _WHAT, reach=2),
            pattern(_ERASE, "numero lista datos telefono contacto base agenda registros sistema"),
            pattern("solicito pido quiero deseo tramitar tramiten quisiera", "baja", unless="laboral estoy"),
            pattern("retiro revoco anulo cancelo", "consentimiento autorizacion permiso"),
            pattern("cancelar cancele cancelen cancela anular anulen anule", f"{_WHAT} suscripcion servicio"),
            pattern("me doy darme dame deme denme dar darse darnos", "baja", reach=3, unless="estoy laboral"),
            pattern("dejar dejo parar", "recibir"),
            pattern("no", "recibir", _WHAT),
            pattern("ni", "un solo", "mensaje sms"),
            pattern("como", "cancelo anulo paro quito detengo", f"{_WHAT} esto estos"),
            pattern("no", "sigan siga sigas", _ACT + " escribiendo mandando enviando"),
        }
    ),
    wrong_number=phrases("se equivoco de numero | telefono equivocado | persona equivocada | equivocado de numero"),
    wrong_patterns=frozenset(
        {
            pattern("no", "soy", "quien", "buscan busca buscas piensan"),
            pattern("no", "conozco", "esa ese ninguna ningun esta", "persona senora clinica", reach=3),
            pattern("cambio cambiado cambie nuevo nueva", "dueno duena", reach=5),
            pattern("numero telefono", "no", "es pertenece", reach=2, unless="cual"),
            pattern("no", "soy", "persona"),
            pattern("numero telefono persona", "equivocado equivocada incorrecto incorrecta erroneo errado", reach=2),
            pattern(
                "equivoco equivocado equivocaron equivoca equivocan confundido confunden", "numero persona telefono soy"
            ),
            pattern("no", "es", "numero telefono", reach=2, unless="cual"),
            pattern("numero telefono", "ya", "no", "es pertenece", reach=3),
            pattern("aqui", "no", "vive", reach=2),
        }
    ),
    everything=phrases("no me contacten | no me contacte | todo contacto | ningun contacto | nada de ustedes"),
    harmless_pairs=phrases(
        "una vez basta | parar de | puedo parar | mas alto | muy alto | basta con | cuando paren | si pare"
    ),
    courtesy=words("porfa porfavor xfa senora senor disculpe perdon hola mil muchas"),
    around_stop=words(
        "mi mis su sus la el un una que les dije pedi este estos estas esta ese esos como ya ahora mismo aqui numero suscripcion"
    ),
    set_aside=phrases(
        *spread("gracias por", "todo|toda su ayuda|toda la ayuda"),
    ),
    misspelt=words(
        "basta parar paren mensajes escriban manden equivocado borrenme cancelar desuscribir numero borrame"
    ),
    real_words=words(
        "pasta hasta casta vasta bata para parte pasar pagar parir caras parece paran padre bastante mensajero escribieron "
        "mandan mande enteros numeros mensaje cancela cancele equivocada barren mandar escribir encantada"
    ),
    tongues=frozenset(
        {
            Tongue(
                plain=SHARED
                | everyday.ES
                | words(
                    "a al ante con de del desde en entre hacia hasta por segun sobre tras y e o u pero si que como cuando "
                    "donde cual cuales cuanto cuanta cuantos cuantas quien el la los las lo un una unos unas este esta esto "
                    "estos estas ese esa eso yo tu usted ustedes ella nosotros nos me te se le les mi mis tus su sus mio "
                    "mia soy eres es somos son estoy estas esta estamos estan estaba estare estara seria sera era fue fui "
                    "ser estar he ha han hemos habia hay tengo tiene tienen tenemos tenia tener voy va vamos van iba ir "
                    "ire puedo puede pueden podemos podria poder debo debe hago hace hacer haga hare hice queda quede quedo "
                    "quiero llego llega llegue llegar llegando llevo llevar lleve traer traigo pongo pone poner puse puesto "
                    "uso usa usar use utilizo utilizar aplico aplicar lavo lavar lavarme maquillarme maquillar maquillaje "
                    "banarme banar ducharme duchar ducha nadar entrenar correr gimnasio gym piscina playa mar sauna sol "
                    "solar protector protectora crema cremas locion serum aceite hidratante jabon agua copa vino cerveza "
                    "cafe comer comida beber alcohol tomar tome tomo pastilla paracetamol ibuprofeno gasa ropa piel cara "
                    "cuerpo brazo brazos pierna piernas barriga vientre muslo muslos cadera pecho cuello espalda marca "
                    "marcas estria estrias zona area resultado resultados diferencia tratamiento sesion sesiones cita "
                    "citas consulta visita turno reserva clinica consultorio recepcion equipo doctor doctora dr dra "
                    "enfermera direccion calle puerta edificio autobus metro tren coche carro taxi trafico aparcar "
                    "estacionar parking fuera dentro cerca camino ruta hoy manana ayer anoche noche noches tarde tardes "
                    "dia dias mediodia semana semanas mes meses ano anos hora horas minuto minutos vez veces rato momento "
                    "pronto luego antes despues ya aun todavia siempre temprano ahora lunes martes miercoles jueves viernes "
                    "sabado domingo enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
                    "diciembre finde fin proxima proximo primera primer segunda ultima dos tres cuatro cinco seis siete "
                    "ocho nueve diez media cuarto poco poquito mucho mucha muchas muchos mas menos algo todo toda todos "
                    "todas tan muy bien mejor mejorando mejorado bastante super genial estupendo estupenda perfecto "
                    "perfecta excelente excelentes maravilloso maravillosa increible fantastico fantastica buenisimo bueno "
                    "buena buen buenos buenas bonita bonito linda lindo suave hermosa feliz felices contenta contento "
                    "encantada encantado encanta encanto gusta gusto gustan satisfecha agradecida agradecido alegria amable "
                    "amables amabilidad atencion servicio trabajo gracias mil ok vale claro entendido entiendo entendida "
                    "recibido recibida anotado anotada apuntado confirmo confirmado confirmada confirmar acuerdo correcto "
                    "exacto cierto seguro segura supuesto igualmente tambien si dale listo lista hola saludo saludos abrazo "
                    "abrazos beso besos bendiciones dios favor disculpe disculpa disculpen perdon perdone siento "
                    "respuesta responder contestar demora tardanza retraso informacion info consejo consejos ayuda duda "
                    "pregunta indicaciones instrucciones normal posible rojo roja rojos rojas rosada rojez enrojecimiento "
                    "seca seco sequedad tirante hinchado hinchada hinchazon pica pique picor picazon sensible "
                    "siente sentir senti veo ve ven vemos ver vere visto mira noto parece creo espero esperando "
                    "deseando duermo dormir dormi descansar sigo sigue seguir dura duran durar recomienda recomiendan "
                    "recomendar recomendare amigas amiga amigo hermana hermano madre mama hija hijo marido esposo familia "
                    "pareja cuesta precio pago pagar tarjeta efectivo gratis abren abre abierto abierta cierran navidad "
                    "pascua ano cumpleanos felicidades necesito alli ahi aqui alla eso asi donde importa jaja jajaja "
                    "comenzar empezar cada tal vez quiza segundo esperar porque gente reprogramar adelantar llegado salgo "
                    "saliendo voy doctor senora senorita cambio ponerme ti contigo conmigo verte verles verlos pedir pide pido cheque cheques regalo vender venden vende comprar depilar depilarme "
                    "afeitar afeitarme pelo bufanda chaqueta bolso gafas paraguas sala espera vuelo avion viaje viajar vacaciones "
                    "amor guapa guapas guapo carino chicas chicos nena reina linda morado azul blanca blanco negra color lineas "
                    "linea notar noto nota visible aloe vera vitamina vitaminas c e colageno capa capas fina cama sabanas "
                    "tarea trabajo casa oficina escuela reunion comida cena desayuno lluvia frio tiempo clima gran total "
                    "totalmente realmente verdad verdaderamente cicatrizando cicatrizo curado curada sano sanando salio salir "
                    "salgo saliendo pasado pasada pasar paso puntual puntuales pendiente pendientes novedades ambas "
                    "descansada lavado hidratada hidratado hidratar gel toalla hielo "
                )
                - words("lista baja"),
                fine=phrases(
                    *spread("otra|otro", "sesion|cita|dia|crema|hora|semana"),
                    *spread("gracias por", "el recordatorio|el mensaje|su mensaje|avisar|avisarme|el aviso|tu mensaje"),
                    *spread("gracias por", "escribir|recordarme|recordarmelo|preguntar|los mensajes|los consejos"),
                    *spread("cambiar|mover", "la cita|mi cita|la hora|la sesion|el turno|de hora"),
                    "no hay problema | no hay de que | ningun problema | sin problema | sin problemas | "
                    "como no | no puedo parar de sonreir | dejar de usar | dejar de aplicar | "
                    "dejar de poner | para la piel | para nada | por que no | no se preocupe | "
                    "no te preocupes | no se preocupen | no pasa nada | sin novedades | sin novedad | para cuando | para que hora | mandame la direccion | mandarme la direccion | enviarme la direccion | ha parado el picor | el picor ha parado | no veo la hora | para manana | "
                    "para la cita | para mi | para mi cita | para confirmar | que no | sin maquillaje | "
                    "sin falta | sin dolor | estoy lista | estoy listo | todo listo | lista para | sin duda "
                    "| no dudare | recibi su mensaje | recibi el mensaje | para el | para la | para las | "
                    "fin de semana",
                )
                - phrases("que no"),
                negations=words("no nada ni tampoco sin ningun ninguna"),
                symptoms=words(
                    "dolor dolores duele duelen dolio rojo roja rojez pica picor picazon hinchado hinchada hinchazon seca "
                    "molestia molestias ardor arde sangra sangre fiebre problema problemas reaccion duda dudas "
                    "preguntas ampollas enrojecimiento inflamado inflamada"
                ),
            )
        }
    ),
)
