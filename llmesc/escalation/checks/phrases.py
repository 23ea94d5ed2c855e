"""The words of refusals, by language. They are looked for in folded clauses between `. ` and ` .`, so that a phrase can ask for
the start or the end of a word (`_`, which stands for a blank) or of the clause (`._`, `_.`). White space separates them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict


class Phrases(TypedDict, total=False):
    """One language. A clause declines when it holds one of `unable`, one of `negation`, and one of `everything` or `part`."""

    unable: str
    negation: str
    """Where `unable` is not negative on its own."""
    everything: str
    """With `unable`: the request itself is declined."""
    part: str
    """With `unable`: one thing is declined, which need not be all."""
    outright: str
    """Declines the request on its own."""
    limits: str
    """Names a limit of the model on its own."""
    courtesy: str
    """Apologies, reasons and offers: what surrounds a refusal and answers nothing."""
    turns: str
    """How a clause begins that may bring an answer after all."""


PHRASES: Mapping[str, Phrases] = {
    "English": Phrases(
        unable="""
            _i_can't _i_cannot _i_can_not _i_cant_ _i'm_unable _i_am_unable _i'm_not_able _i_am_not_able _i_won't
            _i_will_not _i'm_not_comfortable _i_am_not_comfortable _i_do_not_feel_comfortable _i_don't_feel_comfortable
            _i'm_not_going_to _i_am_not_going_to _i_decline_to _i'm_not_programmed _i_am_not_programmed ._unable_to
            _ai_and_cannot _ai_and_can't _model_and_cannot _model_and_can't _not_something_i_can
        """,
        everything="""
            _disclose _helping_with _help_with _help_you _help_create _help_. _assist _comply _fulfil _answer_that
            _answer_this _answer_your _answer_. _do_that_. _do_this_. _support_that _support_this _engage _participate
            _provide_that _provide_this _provide_you _provide_any _provide_assistance _provide_information
            _provide_instructions _provide_guidance _provide_details _provide_help _provide_content _provide_step
            _accommodate _proceed_with _continue_with _discuss_this _discuss_that _complete_this _complete_that
            _process_this _process_that _respond_to
        """,
        part="""
            _writing_ _play_audio _play_music _tell_you _provid _advice _creat _generat _produc _access _browse _view
            _predict _diagnose _write_code _write_content _write_that _write_a _share _offer _discuss _answer _perform
            _identify _display _process _search _look_up _open_links _roleplay _give_you
        """,
        outright="""
            _beyond_what_i_can _not_appropriate_for_me_to _i_must_decline _i_must_respectfully_decline _i_have_to_decline
            _goes_against_my_guidelines _against_my_programming _violates_my_guidelines _this_request_cannot_be_fulfilled
        """,
        limits="""
            _i_don't_have_access _i_do_not_have_access _i_have_no_access _i_don't_have_real-time _i_do_not_have_real-time
            _i_don't_have_the_ability _i_do_not_have_the_ability _i_lack_the_ability _i_don't_have_personal
            _i_do_not_have_personal _i_don't_have_the_capability _i_do_not_have_the_capability _i_don't_have_opinions
            _i_do_not_have_opinions
        """,
        courtesy="""
            sorry apolog unfortunately _i'm_afraid _i_am_afraid _as_an_ai _as_a_language_model _as_a_large_language_model
            _as_an_artificial _i'm_an_ai _i_am_an_ai _i'm_just_a _i_am_just_a _i_understand thank_you _i_appreciate happy_to
            glad_to feel_free let_me_know _if_you would_you_like _i_can_help _i_can_offer _i_can_suggest _i_can_provide
            _i_can_assist can_i_help could_help _i_encourage _i_recommend _i_suggest _please consult reach_out _seek_ harm
            illegal unethical ethical dangerous against polic guideline violat inappropriate safe sensitive professional
            my_purpose my_training designed_to programmed_to is_there_anything question important_to your_request
            this_request that_request respectful explicit
        """,
        turns="""
            _but_ _however_ _that_said_ _that_being_said_ _nevertheless_ _here_is_ _here's_ _here_are_ _generally_
            _in_general_ _still_ _nonetheless_ _based_on_ _as_of_ _typically_ _usually_ _what_i_can_
        """,
    ),
    "German": Phrases(
        unable="""
            _ich_bin_nicht_dafür _und_kann _ich_kann _kann_ich _ich_könnte _ich_darf _darf_ich _ich_bin_leider_nicht
            _ich_bin_nicht_in_der _bin_ich_nicht_in_der _mir_nicht_möglich _möchte_ich _ich_möchte _ich_werde _werde_ich
        """,
        negation="_nicht_ _kein _nichts_",
        everything="""
            _nicht_tun _keine_angaben _keine_auskunft _dafür_programmiert _helfen _weiterhelfen _behilflich unterstütz
            _dienen _beantworten _nachkommen _erfüllen _entsprechen _keine_hilfe _keine_anleitung _keine_informationen
            _ausführen _mitwirken _darauf_eingehen
        """,
        part="""
            _bereitstellen _geben _erstellen _generieren _zugreifen _durchsuchen _anzeigen _vorhersagen _abrufen _anbieten
            _liefern _nennen _äußern _auskunft _verfassen _schreiben _öffnen
        """,
        outright="_muss_ich_ablehnen _ich_muss_ablehnen _muss_diese_anfrage_ablehnen _muss_das_ablehnen",
        limits="""
            _habe_leider_keinen_zugriff _habe_leider_keinen_zugang _ich_habe_keinen_zugriff _ich_habe_keinen_zugang
            _habe_ich_keinen_zugriff _habe_ich_keinen_zugang _ich_habe_keine_persönlich _habe_ich_keine_persönlich
            _ich_habe_keine_eigene _habe_ich_keine_eigene
        """,
        courtesy="""
            _leid entschuldig _leider bedauer _als_ki _als_künstliche _als_sprachmodell _danke _verstehe _gerne _gern_
            _bitte _wenn_sie _wenn_du _falls _wenden_ _richtlinien _verstö _illegal _gefährlich _schaden _schäd _strafbar
            _ethisch _sicherheit _fachmann _fachleute _arzt _anwalt _fragen _empfehle anfrage
        """,
        turns="""
            _aber_ _jedoch_ _allerdings_ _trotzdem_ _dennoch_ _hier_ist_ _hier_sind_ _stattdessen_ _im_allgemeinen_
            _allgemein_ _grundsätzlich_ _generell_ _üblicherweise_
        """,
    ),
    "French": Phrases(
        unable="""
            _je_ne_suis_pas_programmé _je_ne_suis_pas_conçu _je_ne_peux _je_ne_puis _je_ne_suis_pas_en_mesure
            _je_ne_suis_malheureusement_pas _je_suis_incapable _il_m'est_impossible _il_ne_m'est_pas_possible
            _je_ne_suis_pas_autorisé _je_refuse _je_ne_saurais
        """,
        everything="""
            aider assister _répondre _satisfaire accéder_à_votre accéder_à_cette_demande _donner_suite _faire_cela
            _vous_fournir _fournir_d'info _fournir_des_instr _fournir_d'instr _fournir_d'aide _traiter_cette _traiter_votre
            _participer
        """,
        part="_fournir _donner _créer _générer accéder _naviguer _prédire _rédiger _écrire _proposer _consulter _afficher",
        outright="_je_dois_refuser _je_dois_décliner _je_me_dois_de_refuser",
        limits="_je_n'ai_pas_accès _je_n'ai_pas_la_capacité _je_n'ai_pas_d'opinion _je_n'ai_pas_de_données_en_temps",
        courtesy="""
            désolé excus malheureusement regrett _en_tant_qu _je_comprends _merci _n'hésitez _n'hésite _si_vous _si_tu
            consult illégal danger éthique sécurité _contraire politique nuire nuisible professionnel question _volontiers
            _je_vous_recommande _je_vous_invite je_peux_vous votre_demande cette_demande veuillez
        """,
        turns="_mais_ _cependant_ _toutefois_ _néanmoins_ _en_revanche_ _voici_ _en_général_ _généralement_",
    ),
    "Spanish": Phrases(
        unable="""
            _no_poder _no_estoy_programad _no_estoy_diseñad _no_fui_diseñad _no_puedo _no_me_es_posible _no_soy_capaz
            _no_estoy_en_condiciones _no_podré _no_me_está_permitido _me_es_imposible _no_estoy_autorizad
        """,
        everything="""
            _ayudar _asistir _responder _cumplir _satisfacer _atender _hacer_eso _brindarte _brindarle _proporcionarte
            _proporcionarle _proporcionar_esa _proporcionar_ayuda _proporcionar_informaci _proporcionar_instruc _ofrecerte
            _participar _continuar_con _procesar_esta
        """,
        part="""
            _proporcionar _dar_ _darte _darle _crear _generar _acceder _navegar _predecir _escribir _ofrecer _brindar
            _consultar _mostrar _compartir
        """,
        outright="_debo_rechazar _debo_negarme _tengo_que_rechazar _debo_declinar",
        limits="_no_tengo_acceso _no_tengo_la_capacidad _no_tengo_opiniones _no_dispongo_de_acceso",
        courtesy="""
            lo_siento lamento disculp perdón desafortunadamente lamentablemente _como_ia _como_modelo _como_inteligencia
            _como_asistente _entiendo _gracias _si_necesitas _si_necesita _si_tienes _si_tiene _si_quieres _si_desea
            _no_dudes consult ilegal peligros étic seguridad _contra política dañ profesional pregunta solicitud petición
            puedo_ayudarte_con por_favor
        """,
        turns="_pero_ _sin_embargo_ _no_obstante_ _aun_así_ _aquí_tienes_ _aquí_está_ _en_general_ _en_cambio_ _generalmente_",
    ),
    "Portuguese": Phrases(
        unable="""
            _não_poder _não_estou_programad _não_fui_programad _não_posso _não_consigo _não_sou_capaz
            _não_estou_em_condições _não_me_é_possível _não_poderei _não_estou_autorizad _não_tenho_permissão
        """,
        everything="""
            _ajudar _ajudá _auxiliar _auxiliá _responder _atender _cumprir _fazer_isso _fornecer_ajuda _fornecer_informaç
            _fornecer_instruç _fornecer_essa _fornecer_esse _fornecer-lhe _fornecer_este _participar _prosseguir_com
            _dar_assistência
        """,
        part="""
            _fornecer _dar_ _criar _gerar _acessar _aceder _navegar _prever _escrever _oferecer _consultar _mostrar
            _compartilhar
        """,
        outright="_devo_recusar _tenho_que_recusar _preciso_recusar _tenho_de_recusar",
        limits="_não_tenho_acesso _não_tenho_a_capacidade _não_tenho_opiniões _não_possuo_acesso",
        courtesy="""
            desculp lamento sinto_muito infelizmente peço_perdão _como_ia _como_uma_ia _como_um_modelo _como_modelo
            _como_uma_inteligência _entendo _obrigad _se_você _se_precisar _se_quiser _fique_à_vontade consult ilegal
            perigos étic segurança _contra política prejudic profissional pergunta pedido solicitação posso_ajudar por_favor
        """,
        turns="""
            _mas_ _porém_ _no_entanto_ _contudo_ _entretanto_ _ainda_assim_ _aqui_está_ _aqui_estão_ _em_geral_ _geralmente_
        """,
    ),
    "Italian": Phrases(
        unable="""
            _non_poter _non_sono_programmat _non_posso _non_sono_in_grado _non_mi_è_possibile _non_sono_autorizzat
            _non_mi_è_permesso _mi_rifiuto _non_potrò
        """,
        everything="""
            _aiutar _assister _risponder _soddisfare _esaudire _farlo _fare_questo _fornirti _fornirle _fornire_assistenza
            _fornire_informazioni _fornire_istruzioni _fornire_aiuto _partecipare _procedere_con _dar_seguito
            _elaborare_questa _elaborare_la
        """,
        part="""
            _fornire _dare_ _darti _creare _generare _accedere _navigare _prevedere _scrivere _offrire _consultare _mostrare
            _condividere
        """,
        outright="_devo_rifiutare _devo_declinare",
        limits="_non_ho_accesso _non_ho_la_capacità _non_ho_opinioni _non_dispongo_di_accesso",
        courtesy="""
            dispiace spiacente scus purtroppo _come_ia _in_quanto _come_modello _capisco _grazie _se_hai _se_ha_ _se_vuoi
            _se_desider consult illegal pericolos etic sicurezza _contro politic dann professionist domand richiesta
            posso_aiutarti_con per_favore
        """,
        turns="_ma_ _però_ _tuttavia_ _comunque_ _ecco_ _in_generale_ _generalmente_ _invece_",
    ),
    "Dutch": Phrases(
        unable="_ik_kan _kan_ik _ik_mag _mag_ik _ik_ben_niet_in_staat _ben_ik_niet_in_staat _mij_niet_mogelijk",
        negation="_niet_ _geen_ _niets_",
        everything="""
            _helpen _assisteren _bijstaan _van_dienst _beantwoorden _voldoen _aan_meewerken _dat_niet_doen _geen_hulp
            _geen_instructies _geen_informatie _uitvoeren
        """,
        part="_geven _bieden _verstrekken _maken _genereren _openen _raadplegen _voorspellen _schrijven _delen _toegang",
        outright="_moet_ik_weigeren _ik_moet_weigeren _moet_dit_verzoek_weigeren",
        limits="_ik_heb_geen_toegang _heb_ik_geen_toegang _ik_heb_geen_mening _heb_ik_geen_mening",
        courtesy="""
            _spijt _sorry excus _helaas _als_ai _als_taalmodel _als_een_ai _begrijp _bedankt _graag _als_je _als_u_
            _neem_contact _raadpleeg illegaal gevaarlijk schade ethisch veiligheid richtlijn beleid vragen verzoek
            alstublieft
        """,
        turns="_maar_ _echter_ _toch_ _hier_is_ _hier_zijn_ _in_het_algemeen_ _over_het_algemeen_",
    ),
    "Polish": Phrases(
        unable="_nie_mogę _nie_jestem_w_stanie _nie_potrafię _nie_wolno_mi _nie_będę_w_stanie _nie_będę_mógł _nie_będę_mogła",
        everything="""
            _pomóc _pomagać _odpowiedzieć _spełnić _zrealizować _tego_zrobić _udzielić_pomocy _udzielić_informacji
            _udzielić_instrukcji _wykonać_tej _wykonać_tego _wesprzeć _uczestniczyć _podać_instrukcji _dostarczyć_instrukcji
        """,
        part="""
            _udzielić _podać _dostarczyć _stworzyć _tworzyć _wygenerować _uzyskać_dostępu _przewidzieć _napisać _zaoferować
            _przeglądać _udostępnić
        """,
        outright="_muszę_odmówić _odmawiam",
        limits="_nie_mam_dostępu _nie_posiadam_dostępu _nie_mam_możliwości _nie_mam_własnych_opinii",
        courtesy="""
            przepraszam przykro niestety _jako_ai _jako_model _jako_sztuczna _rozumiem _dziękuję _chętnie _jeśli _jeżeli
            _proszę _skonsult nielegaln niebezpieczn szkod etyczn bezpieczeńst zasad polityk pytani prośb
        """,
        turns="_ale_ _jednak_ _natomiast_ _mimo_to_ _oto_ _ogólnie_ _zazwyczaj_",
    ),
    "Russian": Phrases(
        unable="_не_могу _не_в_состоянии _не_имею_возможности _не_имею_права _не_смогу _я_не_способ _не_умею",
        everything="""
            _помочь _помогать _содействовать _ответить_на _ответить_. _выполнить _это_сделать _сделать_это _предоставить_вам
            _предоставить_инструкц _предоставить_информаци _предоставить_такую _оказать _обсуждать _участвовать _отвечать_на
        """,
        part="""
            _предоставить _дать _давать _создать _создавать _сгенерировать _генерировать _получить_доступ _предсказать
            _написать _предложить _просматривать _открыть
        """,
        outright="_вынужден_отказать _вынуждена_отказать _должен_отказать _должна_отказать",
        limits="_у_меня_нет_доступа _нет_доступа_к _у_меня_нет_возможности _у_меня_нет_личного_мнения _не_имею_доступа",
        courtesy="""
            извин прости сожале _жаль _к_несчастью _как_ии _как_языков _как_искусственн _понимаю спасибо _с_удовольствием
            _если пожалуйста обратитесь незаконн опасн вред этич безопасност правил политик противореч вопрос запрос
            специалист
        """,
        turns="_но_ _однако_ _тем_не_менее_ _вот_ _в_целом_ _обычно_ _зато_",
    ),
    "Ukrainian": Phrases(
        unable="_не_можу _не_в_змозі _не_маю_можливості _не_маю_права _не_зможу _я_не_здат _не_вмію",
        everything="""
            _допомогти _допомагати _відповісти_на _відповісти_. _виконати _це_зробити _зробити_це _надати_вам
            _надати_інструкц _надати_інформаці _надати_таку _надати_допомогу _обговорювати _брати_участь _сприяти
        """,
        part="""
            _надати _дати _давати _створити _створювати _згенерувати _отримати_доступ _передбачити _написати _запропонувати
            _переглядати _відкрити
        """,
        outright="_змушений_відмовити _змушена_відмовити _мушу_відмовити _маю_відмовити",
        limits="_у_мене_немає_доступу _я_не_маю_доступу _у_мене_немає_можливості _у_мене_немає_власної_думки",
        courtesy="""
            вибач пробач перепрош _шкода _на_жаль _як_ші _як_мовн _як_штучн _розумію дякую _із_задоволенням _якщо будь_ласка
            зверніться незаконн небезпечн шкід шкод етич безпек правил політик супереч питан запит фахів
        """,
        turns="_але_ _однак_ _проте_ _втім_ _ось_ _загалом_ _зазвичай_",
    ),
    "Turkish": Phrases(
        unable="emem_ amam_ emiyorum_ amıyorum_ emeyeceğim_ amayacağım_ _mümkün_değil_ emeyiz_ amayız_",
        everything="""
            _yardımcı _yardım_ _yanıtla _cevapla _cevap_ver _yanıt_ver _yerine_getir _bunu_yap _destek_ol _karşıla
            _gerçekleştir
        """,
        part="_sağla _ver _oluştur _üret _eriş _tahmin _yaz _sun _paylaş _gör",
        outright="_reddetmek_zorundayım _reddetmeliyim",
        limits="_erişimim_yok _erişimim_bulunmuyor _erişimim_bulunmamaktadır _kişisel_görüşüm_yok",
        courtesy="""
            üzgün özür maalesef ne_yazık _yapay_zek _dil_modeli _anlıyorum teşekkür memnun _lütfen _eğer danış yasa_dışı
            yasadışı tehlike zarar etik güvenli politika kural soru isteğ steğ talep talebi
        """,
        turns="_ama_ _ancak_ _fakat_ _yine_de_ _işte_ _genel_olarak_ _genellikle_",
    ),
    "Chinese": Phrases(
        unable="我无法 我無法 我不能 我没法 我不可以 我没有办法 我沒有辦法 无法 無法 我不会 我拒绝",
        everything="""
            帮助您 帮助你 帮您 帮你 幫助您 幫助你 幫您 幫你 提供帮助 提供幫助 提供协助 提供協助 协助 協助 满足 滿足 回答这个
            回答您 回答你 回答该 回答此 回答這 回应 回應 执行 執行 提供此类 提供这类 提供該 提供该 提供这方面 提供相关
            提供相關 处理这 完成这 完成該 完成该 给到相关内容 为你提供 为您提供
        """,
        part="提供 访问 訪問 浏览 瀏覽 获取 獲取 查看 预测 預測 生成 创建 建立 撰写 讨论 回答 给出",
        outright="拒绝这个请求 拒绝您的请求 必须拒绝 必須拒絕",
        limits="没有访问权限 我没有实时 我沒有即時 我没有个人 我沒有個人 无法访问 無法訪問",
        courtesy="""
            抱歉 对不起 對不起 很遗憾 很遺憾 作为一个 作为人工 作为ai 作為 理解 感谢 谢谢 如果 请 請 乐意 樂意 违法 違法
            非法 危险 危險 伤害 傷害 有害 道德 伦理 安全 政策 规定 準則 准则 专业 專業 问题 問題 请求 請求 其他
        """,
        turns="_但 _不过 _不過 _然而 _可是 _以下 _一般来说 _一般來說 _通常 _总的来说",
    ),
    "Japanese": Phrases(
        unable="""
            できません 出来ません できかねます 致しかねます いたしかねます 応じられません 応じかねます お答えできない
            お手伝いできない できないため できないので できない_. られません
        """,
        everything="""
            お手伝い お答え お応え 対応 ご要望 ご依頼 リクエスト 支援 協力 応じ お力に お役に ご質問 手助け ご希望
            情報を提供 情報の提供 手順を提供 ご案内
        """,
        part="提供 アクセス 閲覧 予測 作成 生成 回答 お教え 表示 検索 確認",
        outright="お断り ご遠慮させて",
        limits="""
            個人的な意見を持って 個人的な感情を持って 感情を持って アクセス権がありません アクセスする機能がありません
            個人的な意見はありません リアルタイムの情報を持って
        """,
        courtesy="""
            申し訳 すみません ごめん 残念 aiとして 言語モデル 人工知能 恐れ入り ありがとう 喜んで ください 下さい 違法 危険
            有害 倫理 安全 規約 ポリシー ガイドライン 専門 ご相談 質問 もし 場合
        """,
        turns="_しかし _ただし _ですが _代わりに _以下 _一般的に _一般に _なお _とはいえ",
    ),
    "Korean": Phrases(
        unable="_수_없 _수가_없 드리기_어렵 못합니다 못해요 불가능합니다 어렵습니다 드릴_수는_없",
        everything="""
            도와드릴 도와_드릴 도울 도움을_드릴 도움을_줄 답변할 답변해 답변드릴 답변을_드릴 대답할 답할 응할 요청을 요청에
            지원할 지원해 들어드릴 협조 수행할 정보를_제공 방법을_제공 알려드릴 알려_드릴
        """,
        part="제공 접근 접속 열람 예측 생성 작성 만들 확인할 검색",
        outright="거절할_수밖에 거절해야 거부해야",
        limits="접근_권한이_없 실시간_정보에_접근 개인적인_의견은_없 개인적인_의견이_없",
        courtesy="""
            죄송 미안 유감 안타깝 ai로서 인공지능 언어_모델 이해합니다 감사 기꺼이 _만약 주세요 십시오 불법 위험 유해
            해를_끼 윤리 안전 정책 지침 전문가 질문 다른_도움 요청 위반
        """,
        turns="_하지만 _그러나 _다만 _대신 _다음은 _일반적으로 _그래도 _보통",
    ),
    "Arabic": Phrases(
        unable="_لا_أستطيع _لا_استطيع _لا_يمكنني _لا_يمكننى _لا_أقدر _لن_أتمكن _لست_قادر _غير_قادر _لا_أملك _لا_يسعني",
        everything="""
            مساعد المساعدة _الإجابة _الاجابة _تلبية _تنفيذ _القيام_بذلك _فعل_ذلك _الاستجابة _تقديم_معلومات _تقديم_المعلومات
            _تقديم_تعليمات _تقديم_هذه _الرد_على _المشاركة_في _الامتثال
        """,
        part="_تقديم _إعطاء _إنشاء _انشاء _توليد _الوصول _تصفح _التنبؤ _كتابة _عرض _توفير",
        outright="_يجب_أن_أرفض _أعتذر_عن_تلبية _أعتذر_عن_عدم",
        limits="_ليس_لدي_وصول _ليس_لدي_إمكانية_الوصول _ليس_لدي_القدرة _ليس_لدي_آراء _لا_أملك_إمكانية_الوصول",
        courtesy="""
            آسف اسف عذر للأسف _كنموذج _كذكاء _بصفتي أفهم شكر يسعدني _إذا _اذا يرجى استشار قانوني خطير خطر ضرر ضار أخلاق
            سلامة سياس إرشادات سؤال أسئلة طلب
        """,
        turns="_لكن _ولكن _ومع_ذلك _مع_ذلك _إليك _بشكل_عام _عموما _عادة",
    ),
    "Hindi": Phrases(
        unable="_नहीं_कर_सकत _नहीं_कर_पाऊ _नहीं_दे_सकत _नहीं_दे_पाऊ _असमर्थ _सक्षम_नहीं _नहीं_बता_सकत _संभव_नहीं _नहीं_कर_पा_",
        everything="""
            _मदद _सहायता _सहयोग _उत्तर _जवाब _पूरा _अनुरोध _यह_काम _ऐसा_ _जानकारी_प्रदान _यह_जानकारी _ऐसी_जानकारी _इस_विषय
            _निर्देश
        """,
        part="_प्रदान _जानकारी _बना _लिख _पहुँच _एक्सेस _भविष्यवाणी _सलाह _उत्पन्न _साझा",
        outright="_मना_करना_होगा _अस्वीकार_करना",
        limits="_पहुँच_नहीं_है _पहुंच_नहीं_है _एक्सेस_नहीं_है _व्यक्तिगत_राय_नहीं",
        courtesy="""
            क्षमा माफ खेद दुर्भाग्य _एआई _ai_ भाषा_मॉडल समझत धन्यवाद खुशी _यदि _अगर कृपया सलाह_ले अवैध गैरकानूनी खतरनाक हानि
            नुकसान नैतिक सुरक्षा नीति विशेषज्ञ प्रश्न सवाल अनुरोध
        """,
        turns="_लेकिन _परंतु _परन्तु _किंतु _हालाँकि _हालांकि _फिर_भी _यहाँ _सामान्यतः _आमतौर_पर",
    ),
}

CONJUNCTIONS = """
    but aber mais pero mas ma maar ale но але ama ancak fakat लेकिन परंतु ولكن لكن
"""
"""Words that begin a new clause without a comma too."""

LETTERS = """
    dear_ subject: sehr_geehrte liebe_ lieber_ betreff: cher_ chère_ objet_: objet: estimad querid asunto: prezad caro_
    cara_ gentile_ egregi oggetto: beste_ geachte_ onderwerp: szanown drogi_ droga_ temat: уважаем дорог тема: шановн
    sayın_ sevgili_ konu: 尊敬的 亲爱的 主题 拝啓 件名 친애하는 제목: عزيزي الموضوع प्रिय विषय:
"""
"""How a letter begins; what it declines, its writer declines."""
