"""Codes as data: what providers say in a field made for machines, so that their sentences need not be read.

All codes are compared squashed (lower case, letters and digits only): servers spell the same word in snake, camel and kebab case.
`STRONG` outranks the status, in order; `WEAK` codes are so general that they only speak where the sentences say nothing and the
status is missing or as general as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

from llmesc.escalation.failures import FailureKind, SkipScope
from llmesc.escalation.light_dataclass import dataclass
from llmesc.providers.message_rule import UNSAID

_K, _S = FailureKind, SkipScope


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRule:
    """Codes of one meaning: those that are listed, and those in which one of the patterns `like` finds its words."""

    kind: FailureKind
    codes: frozenset[str] = frozenset()
    like: tuple[str, ...] = ()
    only_on: frozenset[int] = frozenset()
    """Statuses it may fire on; empty: any."""
    unless: tuple[str, ...] = ()
    """Words in the sentences that make it something else."""
    scope: SkipScope | None = None


def _codes(words: str) -> frozenset[str]:
    return frozenset(words.split())


STRONG: tuple[CodeRule, ...] = (
    CodeRule(
        kind=_K.CONTENT_POLICY,
        codes=_codes(
            "invalidprompt promptblocked sensitivecheckerror imagesafety prohibitedcontent guardrailblocked guardrailintervened"
        ),
        like=(
            r"content(filter|polic|moderation|safety)(?!config)",
            r"sensitive(content|word|info)",
            r"moderation(block|fail|flag)",
            r"inspectionfailed",
            r"safety(violation|block|filter)",
            r"(usage|safety)policyviolat",
            r"policyviolation$",
        ),
    ),
    CodeRule(kind=_K.RATE_LIMIT, codes=_codes("throttlingallocationquota")),
    CodeRule(
        kind=_K.ACCOUNT,
        codes=_codes(
            "exceededcurrentquotaerror billingerror usagelimitreached preconsumetokenquotafailed "
            "consumptionlimitreached tokenquotareached setlimitexceeded gcpsuspended commoditynotpurchased "
            "invalidpaymentinstrument"
        ),
        like=(
            r"insufficient\w{0,12}(quota|balance|credit|fund)",
            r"(quota|balance|credits?)(exhausted|depleted|insufficient|notenough)",
            r"arrear",
            r"overdue",
            r"billing(notactive|hardlimit|disabled|inactive)",
            r"budgetexceed",
            r"exceededbudget",
            r"outofcredit",
            r"notenough(quota|balance|credit)",
            r"spend(ing)?limit",
            r"paymentrequired",
            r"freetieronly",
            r"(packag|packs?)exhausted",
        ),
    ),
    CodeRule(
        kind=_K.CONTEXT_OVERFLOW,
        codes=_codes("tokenslimitreached"),
        like=(
            r"context(length|window|size|limit)\w{0,6}(exceed|overflow|toolong|toolarge)",
            r"exceed\w{0,3}context",
            r"(prompt|input|tokens?)toolong",
            r"(prompt|input)tokens?(limit)?exceed",
        ),
    ),
    CodeRule(
        kind=_K.PERMISSION,
        codes=_codes("unsupportedcountryregionterritory locationpolicyviolated locationtaxpolicyviolated unsupportedregion"),
        like=(r"(country|region|location|territory)\w{0,12}(unsupported|notsupported|notallowed|blocked|restricted)",),
        scope=_S.PROVIDER,
    ),
    CodeRule(
        kind=_K.PERMISSION,
        codes=_codes(
            "organizationnotverified servicedisabled consumersuspended consumerinvalid userprojectdenied "
            "securitypolicyviolated apikeyserviceblocked apikeyipaddressblocked apikeyhttpreferrerblocked "
            "accesstokenscopeinsufficient iampermissiondenied orgrestrictionviolation userblockedbyadmin "
            "noassociatedserviceinstanceerror optinrequired insufficientpermissions missingscope accessterminated "
            "accessterminatederror"
        ),
        like=(
            r"organi[sz]ation\w{0,8}(restricted|disabled|suspended)",
            r"projectblocked",
            r"ip\w{0,8}not(allowed|authorized)",
        ),
        scope=_S.INSTANCE,
    ),
    CodeRule(
        kind=_K.PERMISSION,
        codes=_codes(
            "permissionerror noaccess accessdeniedunpurchased usagenotincluded modelnotopen servicenotopen "
            "ftuformnotfilled mpagreementbeingcreated permissiondeniederror"
        ),
        like=(
            r"model\w{0,12}(accessdenied|blocked|notallowed)",
            r"nopermission",
            r"(permission|access)to(this)?model",
        ),
        unless=(r"<key>\b.{0,40}(?:revoked|expired)",),
    ),
    CodeRule(
        kind=_K.PERMISSION,
        codes=_codes("modelnotfound modelnotavailable modelnotsupported unsupportedmodel"),
        only_on=frozenset({403}),
    ),
    CodeRule(
        kind=_K.AUTH,
        codes=_codes(
            "accesstokentypeunsupported credentialsmissing accountstateinvalid sessioncookieinvalid "
            "overloadedcredentials unrecognizedclientexception expiredtokenexception invalidclienttokenid "
            "invalidsignatureexception signaturedoesnotmatch incompletesignature incompletesignatureexception "
            "missingauthenticationtokenexception requestexpired expiredkey tokennotfoundindb invalidiamtoken "
            "autherror failedtoauth invalidclient invalidgrant invalidorganization"
        ),
        like=(
            r"(invalid|wrong|incorrect|expired|missing|revoked|disabled|malformed)\w{0,4}(api_?key|accesskey|credential|bearer)",
            r"apikey\w{0,3}(invalid|expired|disabled|notfound|missing|required|revoked|notvalid)",
            r"^invalidauth",
            r"^authfail",
            r"^(access|auth|id|jwt|oauth|bearer|authentication|security)?token(is)?(expired|invalid|revoked|notvalid|missing)",
            r"^(expired|invalid|missing|bad)(access|auth|jwt|oauth|bearer|authentication|security)?token$",
        ),
    ),
    CodeRule(
        kind=_K.MODEL_UNAVAILABLE,
        codes=_codes("modeldiscontinued modelshutdown"),
        like=(r"model\w{0,4}(decommission|deprecat|retired|sunset)",),
        scope=_S.MODEL,
    ),
    CodeRule(
        kind=_K.MODEL_UNAVAILABLE,
        codes=_codes("invalidendpointormodel endpointnotfound closedendpoint nomodelsloaded"),
        like=(
            r"model(is)?not(found|exist|available|deployed|loaded|supported)",
            r"(unknown|invalid|unsupported|nosuch|unavailable)model(id|name|error)?$",
            r"deployment\w{0,3}not(found|exist)",
        ),
        unless=(
            r"must be verified",
            r"verify (?:your )?organi[sz]ation",
        ),
    ),
    CodeRule(
        kind=_K.OVERLOADED,
        codes=_codes(
            "unavailableerror unavailable queueexceeded modelnotreadyexception serviceunavailableexception "
            "engineserverlimitexceeded temporarilyunavailable resourceunavailable"
        ),
        like=(
            r"overload(?!edcredential)",
            r"capacity(exceed|exhaust|limit|reached)",
            r"no(available)?capacity",
            r"server(is)?busy",
            r"model(is)?loading",
        ),
    ),
    CodeRule(
        kind=_K.RATE_LIMIT,
        codes=_codes(
            "requestlimitexceeded ratelimitreachederror requestbursttoofast inflightbatchsizeexceeded limitrequests "
            "ratelimitreachedrequests slowdown"
        ),
        like=(
            r"(rpm|tpm|qps|qpm)\w{0,10}exceed",
            r"^throttl",
            r"requestsper(minute|second)",
            r"tokensper(minute|second)",
        ),
    ),
    CodeRule(
        kind=_K.TIMEOUT,
        codes=_codes(
            "modeltimeoutexception timeouterror deadlineexceeded requesttimeout requesttimeoutexception internalerrortimeout"
        ),
    ),
    CodeRule(kind=_K.PAYLOAD, codes=_codes("requesttoolarge"), only_on=frozenset({413})),
    CodeRule(
        kind=_K.PAYLOAD,
        codes=_codes("unsupportedparameter unknownparameter missingrequiredparameter invalidfunctionparameters"),
        like=(r"invalid(base64)?(image|file|audio|video)(url|format|data|type)?$",),
        only_on=frozenset({UNSAID, 400, 422}),
    ),
    # The model wrote what its own server could not read: another try or another model helps, a changed request need not.
    CodeRule(
        kind=_K.SERVER_ERROR,
        codes=_codes(
            "toolusefailed jsonvalidatefailed outputparsefailed malformedfunctioncall modelerrorexception "
            "modelstreamerrorexception incompletegeneration bedrockerror enginecoreerror enginedeaderror asyncenginedeaderror"
        ),
    ),
)
"""First rule with a code that fits. Order: what must not be taken for something milder comes first."""

WEAK: tuple[CodeRule, ...] = (
    CodeRule(kind=_K.ACCOUNT, codes=_codes("servicequotaexceededexception")),
    CodeRule(
        kind=_K.AUTH,
        codes=_codes(
            "authenticationerror unauthenticated unauthorized autherror authenticationfailed notauthenticated unauthorizederror"
        ),
    ),
    CodeRule(
        kind=_K.PERMISSION,
        codes=_codes("permissiondenied forbidden accessdenied accessdeniedexception notauthorized forbiddenerror notallowed"),
    ),
    CodeRule(
        kind=_K.RATE_LIMIT,
        codes=_codes("resourceexhausted quotaexceeded limitexceeded"),
        like=(
            r"ratelimit",
            r"toomanyrequests",
        ),
    ),
    CodeRule(kind=_K.OVERLOADED, codes=_codes("serviceunavailable serviceunavailableerror")),
    CodeRule(kind=_K.TIMEOUT, codes=_codes("timeout gatewaytimeout apitimeouterror")),
    CodeRule(kind=_K.CONNECTION, codes=_codes("apiconnectionerror"), only_on=frozenset({UNSAID})),
    CodeRule(kind=_K.MODEL_UNAVAILABLE, codes=_codes("resourcenotfounderror resourcedoesnotexist resourcenotfoundexception")),
    CodeRule(
        kind=_K.PAYLOAD,
        codes=_codes(
            "invalidrequesterror badrequest badrequesterror invalidargument validationexception validationerror "
            "invalidparameter invalidvalue unsupportedvalue unsupportedparameter missingparameter notsupportederror "
            "invalidrequest invalidinputargument invalidparametererror invalidparametervalue requesttoolarge"
        ),
    ),
    CodeRule(
        kind=_K.SERVER_ERROR,
        codes=_codes(
            "servererror internalservererror internal apierror internalerror internalfailure internalserverexception "
            "unknown internalservererrorexception apiconnectionerror internalserviceerror badgateway internalerroralgo"
        ),
    ),
    CodeRule(kind=_K.SERVER_ERROR, codes=_codes("upstreamerror"), only_on=frozenset({UNSAID, 500, 502})),
)

FINISHED: Mapping[FailureKind, frozenset[str]] = {
    _K.CONTENT_POLICY: _codes(
        "contentfilter contentfiltered safety recitation blocklist prohibitedcontent spii imagesafety refusal "
        "guardrailintervened errortoxic sensitive imageprohibitedcontent imagerecitation modelarmor "
        "jailbreak"
    ),
    _K.CONTEXT_OVERFLOW: _codes("modelcontextwindowexceeded"),
    _K.OVERLOADED: _codes("insufficientsystemresource engineoverloaded"),
    _K.SERVER_ERROR: _codes(
        "malformedfunctioncall unexpectedtoolcall malformedtooluse malformedmodeloutput error networkerror abort "
        "missingthoughtsignature malformedresponse toomanytoolcalls"
    ),
}
"""Reasons for which an answer ended that make it a failure, in a body of status 200."""
