"""Portuguese, of Portugal and Brazil: our own collection; Brazilian short forms ("n", "vc", "msg") included."""

from __future__ import annotations

from worker.rules.lexicon import Lexicon, Tongue, pattern, phrases, spread, words
from worker.rules.lexicons import everyday
from worker.rules.lexicons.shared import SHARED

_WHAT = (
    "mensagem mensagens msg msgs sms lembrete lembretes aviso avisos notificacao notificacoes comunicacao comunicacoes envio "
    "envios contato contacto propaganda publicidade torpedos texto textos"
)
_ACT = (
    "mandar enviar escrever incomodar contactar contatar perturbar mandando enviando encher mandarem enviarem escreverem "
    "chatear ligar"
)
_CEASE = (
    "parar pare parem pararem chega basta cessar cessem suspender suspenda suspendam cancelar cancele cancelem interromper "
    "interrompam stop"
)
_TELL = (
    "mandem mande mandes manda mandar enviem envie envies envia enviar escrevam escreva escrevas escreve contactem contacte "
    "contatem contate incomodem incomode liguem perturbem perturbe chateiem"
)
_ERASE = (
    "remova removam remover remove exclua excluam excluir exclui apague apaguem apagar apaga elimine eliminem eliminar retire "
    "retirem retirar tire tirem tira tirar delete deletem deletar"
)

LEXICON = Lexicon(
    stop=words(
        "parem paremm descadastrar descadastre descadastrem descadastro desinscrever desinscreva desinscrevam desinscricao "
        "desinscrevam pararem"
    ),
    cancel=words("cancelar cancele cancelem cancelamento"),
    stop_alone=words(
        "para chega sair remover cancelar cancelamento excluir apagar eliminar engano revogar suspender deletar cancelo"
    ),
    stop_alone_phrases=phrases(
        "ja chega | me remova | me exclua | me tire | nao quero | nao quero mais | nunca mais | "
        "foi engano | e engano | me apague | sem interesse | "
        "nao mais | chega disso"
    ),
    stop_phrases=phrases(
        "nao tenho interesse | sem interesse | nao me interessa | nao estou interessada | "
        "nao estou interessado | em paz | me esquece | me esqueca | me esquecam | e spam | "
        "nada de mensagens | chega de | me descadastre | me descadastrar | quero sair da | "
        "nao incomodar | vou bloquear | para com isso | parem com isso"
    ),
    stop_patterns=frozenset(
        {
            pattern("nao n", "autorizo permito", "uso usar"),
            pattern("evitem evite evitar terminem", f"{_ACT} {_WHAT}"),
            pattern("nao", "ser", "contatada contatado contactada contactado incomodada"),
            pattern("nao", "saber", "voces"),
            pattern("ser", "removida removido retirada excluida excluido", "lista"),
            pattern("farta farto cansada cansado", _WHAT),
            pattern("remove remover", "lista"),
            pattern(_CEASE, f"{_WHAT} {_ACT}", unless="nao consigo"),
            pattern(
                "para pare parem pararem deixe deixem deixa parar",
                "de com",
                f"{_ACT} {_WHAT} isso",
                reach=2,
                unless="nao",
            ),
            pattern(
                "nao nunca nem n num",
                _TELL,
                unless="posso consegui consigo esqueca esquecam hesite deixe deixem precisa",
            ),
            pattern("nao n nunca", "entre entrem entrar", "contato contacto", unless="consegui"),
            pattern(
                "nao n nem num", "quero queria desejo preciso aceito autorizo pretendo gostaria", f"{_WHAT} receber"
            ),
            pattern("mais", _WHAT, "nao", reach=2),
            pattern("sem nao", "mais", _WHAT, reach=2, unless="tenho"),
            pattern(_ERASE, "numero lista dados cadastro telefone contato contacto nome registro"),
            pattern("remova removam retire retirem tire tirem exclua", "me", "lista", reach=3),
            pattern("parar deixar", "receber", reach=2),
            pattern("nao", "receber", "mais", reach=2),
            pattern("nem", "mais", _WHAT, reach=3),
            pattern("como", "cancelo removo paro", f"{_WHAT} isso isto"),
            pattern("sair saia", "lista grupo daqui", unless="posso"),
            pattern("retiro revogo cancelo", "consentimento autorizacao permissao"),
            pattern("cancelar cancele cancelem cancela", "inscricao recebimento cadastro assinatura servico"),
        }
    ),
    wrong_number=phrases("ligou errado | mensagem errada | nao conheco nenhuma"),
    wrong_patterns=frozenset(
        {
            pattern("nao", "conheco", "pessoa clinica senhora", reach=3),
            pattern("nao", "sou", "pessoa", reach=3),
            pattern(
                "numero pessoa telefone contato contacto",
                "errado errada incorreto equivocado trocado incorreta",
                reach=2,
            ),
            pattern("errou enganou errado enganaram enganado enganados enganada enganadas", "numero pessoa nao"),
            pattern("numero telefone", "nao", "e pertence", reach=2, unless="qual"),
            pattern("nao", "e", "numero telefone", reach=3, unless="qual"),
            pattern("numero telefone", "nao", "e pertence", reach=3),
        }
    ),
    everything=phrases("tudo | nao me contactem | nao me contacte | nao me contate | nenhum contato | contato comigo"),
    harmless_pairs=phrases("posso parar | consigo parar | sem parar | vou parar | basta passar | parar creme"),
    courtesy=words("obrigada obrigado obg desculpe ola oi pfv pf favor muito sra senhora senhor"),
    around_stop=words(
        "meu minha meus seu sua o a os as um uma este esta esse essa isso isto ja agora aqui daqui dai mensagem mensagens msg "
        "lista numero cadastro eu quero queria desejo vou pra pro envio envios recebimento da do das dos dessa desse como faco pedi disse que"
    ),
    set_aside=phrases(
        *spread("obrigada por|obrigado por|obrigada pela|obrigado pela", "tudo|toda ajuda|ajuda"),
    ),
    misspelt=words(
        "parar parem cancelar descadastrar mensagens remover numero errado mandem enviem desinscrever apaguem"
    ),
    real_words=words(
        "pagar passar parara partem parecem mensagem numeros errada mandam enviam enviar remove removedor herdado cerrado "
        "marear parada para parte caem vagem cancela apagar morar remoer"
    ),
    tongues=frozenset(
        {
            Tongue(
                plain=SHARED
                | everyday.PT
                | words(
                    "a o as os ao aos com como cade da das de do dos e ela elas ele em entre era essa esse esta este eu foi ha "
                    "isso isto ja la lhe mas me meu meus mim minha minhas na nas no nos nossa nosso num numa ou para pra pro "
                    "pela pelas pelo pelos per por porque pode podem podemos posso poderia qual quais quando quanto quanta "
                    "quantos quantas que quem se seja sem ser sera seria seu sua seus suas so sobre sou somos sao tem temos "
                    "tenho ter teria ti tu te um uma uns umas vai vamos vou vao ir fui irei voce vc voces vcs voz estou esta "
                    "estao estamos estar estarei estava estive to ta tava tamo fica ficar fico ficou ficando faco faz fazer "
                    "fazendo farei fiz feito devo deve preciso precisa quero queria gostei gosto gostaria adorei adoro amei amo "
                    "amando chego chegar cheguei chegando chega levar levo trazer trago passar passo passei usar uso usei "
                    "colocar coloco coloquei aplicar aplico lavar maquiar maquiagem maquilhagem maquilhar banho tomar tomo "
                    "tomei duche nadar piscina praia mar academia ginasio treinar treino correr sauna sol solar protetor "
                    "protector creme cremes locao serum oleo hidratante sabonete agua taca copo vinho cerveja cafe beber bebi "
                    "comer comida alcool comprimido paracetamol ibuprofeno dipirona roupa pele rosto corpo braco bracos perna "
                    "pernas barriga coxa coxas quadril peito pescoco costas marca marcas estria estrias area zona resultado "
                    "resultados diferenca tratamento sessao sessoes consulta consultas visita horario marcacao agendamento "
                    "clinica consultorio recepcao equipe equipa doutor doutora dr dra enfermeira endereco morada rua porta "
                    "predio onibus autocarro metro comboio carro transito estacionar estacionamento fora dentro perto caminho "
                    "hoje amanha ontem noite noites tarde tardes manha dia dias semana semanas mes meses ano anos hora horas "
                    "minuto minutos min vez vezes momento cedo logo antes depois ainda sempre agora segunda terca quarta quinta "
                    "sexta sabado domingo feira janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro "
                    "dezembro proxima proximo primeira primeiro ultima dois duas tres quatro cinco seis sete oito nove dez meia "
                    "pouco pouquinho bocado bocadinho muito muita muitas mais menos algo alguma algum coisa tudo todo toda todos "
                    "todas tao bem melhor melhorando melhorou melhores bastante super otimo otima perfeito perfeita "
                    "excelente maravilha maravilhoso maravilhosa incrivel fantastico fantastica show bom boa bons boas bonita "
                    "bonito linda lindo macia suave feliz felizes contente satisfeita animada ansiosa grata gentil gentis "
                    "atenciosos atendimento servico trabalho obrigada obrigado obg brigada agradeco agradecida valeu certo certa certeza "
                    "claro combinado beleza legal entendi entendido compreendi percebi recebido recebida recebi anotado anotada "
                    "confirmo confirmado confirmada confirmar correto exato sim igualmente tambem tb tbm oi ola bom ate abraco "
                    "abracos beijo beijos bjs bj cumprimentos deus abencoe favor desculpe desculpa desculpem perdao sinto "
                    "demora atraso atrasar atrasada atrasado resposta responder informacao informacoes info dica dicas conselho "
                    "ajuda duda duvida pergunta instrucoes orientacoes normal possivel vermelho vermelha vermelhidao rosada seca "
                    "seco ressecada repuxando inchado inchada inchaco coca cocar coceira comichao sensivel sentir sinto "
                    "sentindo vejo ve ver verei vemos nos vimos acho espero esperando dormir dormi descansar continuo continua "
                    "dura durar recomenda recomendam recomendar amiga amigas amigo irma irmao mae filha filho marido esposo "
                    "familia custa preco pagar cartao dinheiro abrem abre aberto aberta natal pascoa aniversario parabens novo "
                    "la ali aqui acola assim rsrs rs kkk kk jeito saber sabado parar-se alguns sol nossa onde aonde comigo contigo deixar abertos vemo "
                    "remarcar adiar seguinte cada rapido devagar gente lindas bacana saiu melhorar cicatrizando depilar depilacao raspar pelos vendem vende vender vale presente comprar cachecol casaco bolsa "
                    "oculos sala espera voo aviao viagem viajar ferias casamento festa vitamina vitaminas e colageno aloe vera coco "
                    "manteiga camada fina roxo azul branco preta cor linha linhas visivel notar notei segunda terceira "
                    "tambem quer marcar marquei pedir escritorio escola reuniao almoco jantar chuva frio tempo clima cama lencol "
                    "toalha gelo gel limpo cuidado cuidados cuidar cicatrizou sarou sumiu passou pontual novidade novidades amor "
                    "querida queridas gata flor meninas gente verdade realmente totalmente maior menor descansei "
                    "gentileza atenciosa simpatica simpaticos show valeu "
                )
                - words("no sem parar-se deixar chega saiu fora"),
                fine=phrases(
                    *spread(
                        "no",
                        "sabado|domingo|sol|mar|carro|banho|rosto|corpo|peito|horario|caminho|mes|dia|consultorio|transito",
                    ),
                    "no fim de semana | no fim do dia | sem duvida",
                    *spread("outra|outro", "sessao|consulta|horario|dia|visita|creme"),
                    "mandar o endereco | enviar o endereco | me mandar o endereco | me enviar o endereco | sem novidades "
                    "| a coceira ja parou | coceira parou | parar com a vitamina c | vale presente",
                    *spread(
                        "obrigada|obrigado",
                        "pelo lembrete|pela mensagem|pelos lembretes|por avisar|pelo aviso|pelas mensagens",
                    ),
                    *spread("obrigada|obrigado", "pelo contato|pelo contacto|por perguntar|por lembrar|pela lembranca"),
                    *spread(
                        "mudar|alterar|trocar", "a consulta|a minha consulta|o horario|a hora|a sessao|minha consulta"
                    ),
                    "sem problema | sem problemas | nao tem problema | nao ha problema | de nada | por nada "
                    "| sem duvida | parar de usar | parar de passar | nao consigo parar de sorrir | "
                    "pode deixar | nao se preocupe | aqui fora | la fora | estou fora | sair ao sol | "
                    "por que nao | ainda nao | recebi a mensagem | nao vejo a hora | sem maquiagem | "
                    "sem falta | alguma coisa | deixa comigo | chega a hora | a que horas chega | para mim "
                    "| fim de semana | o numero da sala",
                ),
                negations=words("nao sem nem nenhum nenhuma nada"),
                symptoms=words(
                    "dor dores doi doem doeu vermelho vermelha vermelhidao coceira comichao coca inchado inchada inchaco seca "
                    "ardor arde ardendo sangra sangue febre problema problemas reacao bolhas duvida duvidas incomodo "
                    "desconforto"
                ),
            )
        }
    ),
)
