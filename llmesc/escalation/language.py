"""The language that an answer is asked for in: how it is named, and how a model is told. Pure.

A language is a tag as everybody writes them (BCP 47): `de`, `pt-BR`, `zh-Hant`. The model is told all of it; an answer is held to
its first part, for nobody tells Brazilian from European Portuguese by the letters alone. `checks.language` holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches

from llmesc.escalation.errors import UnknownName
from llmesc.escalation.messages import Message, Request, Text

Identify = Callable[[str], Mapping[str, float]]
"""How well a text fits each language that is known, by its code (ISO 639): natural-log likelihoods. Injected, because the core
knows no model of languages.
"""

NAMES: Mapping[str, str] = {
    "af": "Afrikaans",
    "ar": "Arabic",
    "az": "Azerbaijani",
    "be": "Belarusian",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "bs": "Bosnian",
    "ca": "Catalan",
    "cs": "Czech",
    "cy": "Welsh",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "eo": "Esperanto",
    "es": "Spanish",
    "et": "Estonian",
    "eu": "Basque",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "ga": "Irish",
    "gl": "Galician",
    "gu": "Gujarati",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "hy": "Armenian",
    "id": "Indonesian",
    "is": "Icelandic",
    "it": "Italian",
    "ja": "Japanese",
    "ka": "Georgian",
    "kk": "Kazakh",
    "km": "Khmer",
    "kn": "Kannada",
    "ko": "Korean",
    "la": "Latin",
    "lb": "Luxembourgish",
    "lo": "Lao",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "mk": "Macedonian",
    "ml": "Malayalam",
    "mn": "Mongolian",
    "mr": "Marathi",
    "ms": "Malay",
    "mt": "Maltese",
    "my": "Burmese",
    "ne": "Nepali",
    "nl": "Dutch",
    "nn": "Norwegian Nynorsk",
    "no": "Norwegian",
    "pa": "Punjabi",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "si": "Sinhala",
    "sk": "Slovak",
    "sl": "Slovenian",
    "sq": "Albanian",
    "sr": "Serbian",
    "sv": "Swedish",
    "sw": "Swahili",
    "ta": "Tamil",
    "te": "Telugu",
    "th": "Thai",
    "tl": "Tagalog",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "uz": "Uzbek",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
"""The languages that may be asked for, and what they are called."""

_OTHER_CODES: Mapping[str, str] = {"nb": "no", "fil": "tl", "cmn": "zh", "iw": "he", "in": "id"}
"""Codes for the same."""


def code_of(tag: str) -> str | None:
    """The code in `NAMES` of the language that a tag names; None where nobody knows it."""
    first = tag.replace("_", "-").partition("-")[0].strip().lower()
    code = _OTHER_CODES.get(first, first)
    return code if code in NAMES else None


def nearest(tag: str) -> tuple[str, ...]:
    """Codes that may have been meant by a tag nobody knows: of the language it names (`german`), or written alike."""
    by_name = {name.lower(): code for code, name in NAMES.items()}
    named = get_close_matches(tag.lower(), by_name, n=1, cutoff=0.75)
    return tuple(by_name[name] for name in named) or tuple(get_close_matches(tag.lower(), NAMES, n=3, cutoff=0.5))


def asked_in(request: Request, tag: str) -> Request:
    """`request`, which wants its answer in the language of `tag` and says so in the system message. A body of one wire goes as it
    is, and is only held to it. Raises `UnknownName` for a tag that nobody knows.
    """
    code = code_of(tag)
    if code is None:
        raise UnknownName("language", tag, nearest(tag))
    wanted = replace(request, language=tag)
    if request.responses_body is not None:
        return wanted
    name = NAMES[code]
    wish = f"Answer in {name}." if tag == code else f"Answer in {name} ({tag})."
    first = request.messages[0] if request.messages else None
    if first is None or first.role != "system":
        return replace(wanted, messages=(Message(role="system", parts=(Text(text=wish),)), *request.messages))
    told = replace(first, parts=(*first.parts, Text(text=f"\n\n{wish}")))
    return replace(wanted, messages=(told, *request.messages[1:]))
