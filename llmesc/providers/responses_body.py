"""A request body of the Responses API, read into the message model, so that every other wire can carry it, too.

The body itself stays beside what was read of it and goes as it is where the wire is that API. What the message model has no
place for is named: as an obstacle where an answer without it would be another answer, as left out where it only tunes. What
nobody has heard of is an obstacle. Nothing in a body is a mistake here, for the API itself is the judge of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llmesc.escalation.messages import Image, Message, Part, Request, ResponsesBody, Role, Text, ToolCall, ToolResult, ToolSpec
from llmesc.providers.lenient_json import as_count, as_list, as_numbers, as_object, storable

_BESIDE_THE_ANSWER = frozenset(
    (
        *("client_metadata", "include", "metadata", "model", "prompt_cache_key", "prompt_cache_options"),
        *("prompt_cache_retention", "safety_identifier", "service_tier", "store", "stream", "stream_options", "user"),
    )
)
"""Of the account, the transport, and what the provider keeps and tells: no answer depends on it."""
_TUNING = frozenset(
    (
        *("frequency_penalty", "max_tool_calls", "parallel_tool_calls", "presence_penalty"),
        *("reasoning", "top_logprobs", "top_p", "truncation"),
    )
)
_AS_USUAL: Mapping[str, Any] = {"background": False, "parallel_tool_calls": True, "top_logprobs": 0, "truncation": "disabled"}
"""What a field says that says nothing; null, and an object of nulls, do that for all of them."""
_INSTEAD_OF_INPUT = frozenset(("prompt", "previous_response_id", "conversation"))
_ROLES: Mapping[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}
_LONGEST_NAME = 80


def request_of(body: Mapping[str, Any]) -> Request:
    """The request that `body` makes; see the module. Raises ValueError where it asks nothing."""
    said = {name: value for name, value in body.items() if _says_something(name, value)}
    if not said.get("input") and said.keys().isdisjoint(_INSTEAD_OF_INPUT):
        raise ValueError("it has no input")
    reading = _Reading()
    for name in dict.fromkeys(("instructions", "tools", *said)):  # before the input, and before the choice among them
        if name in said and name not in _BESIDE_THE_ANSWER:
            reading.field(name, said[name])
    return reading.request(body)


def _says_something(name: str, value: Any) -> bool:
    empty = isinstance(value, dict) and not any(value.values())
    return not empty and value is not None and value != _AS_USUAL.get(name)


class _Reading:
    """Of one body."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        """Of the request."""
        self._turns: list[tuple[Role, list[Part]]] = []
        self._obstacles: dict[str, None] = {}
        self._left_out: dict[str, None] = {}

    def field(self, name: str, value: Any) -> None:
        """Takes one field that says something."""
        match name, value:
            case "instructions", str():
                self._add("system", [Text(text=storable(value))])
            case "input", str():
                self._add("user", [Text(text=storable(value))])
            case "input", list():
                for item in value:
                    self._item(as_object(item))
            case "text", dict():
                self._text(value)
            case "tools", list():
                self._fields["tools"] = tuple(self._tools(value))
            case "tool_choice", _:
                self._tool_choice(value)
            case "max_output_tokens", _ if as_count(value):
                self._fields[name] = value
            case "temperature", _ if as_numbers([value]):
                self._fields[name] = value
            case _ if name in _TUNING:
                self._left_out[name] = None
            case _:
                self._obstacle(name)

    def request(self, body: Mapping[str, Any]) -> Request:
        """What the fields make together."""
        return Request(
            messages=tuple(Message(role=role, parts=tuple(parts)) for role, parts in self._turns),
            responses_body=ResponsesBody(content=body, obstacles=tuple(self._obstacles), left_out=tuple(self._left_out)),
            **self._fields,
        )

    def _obstacle(self, name: str) -> None:
        self._obstacles[storable(name[:_LONGEST_NAME])] = None

    def _item(self, item: Mapping[str, Any]) -> None:
        match item.get("type") or ("message" if "role" in item else "item_reference"):
            case "message":
                self._message(item)
            case "function_call":
                self._call(item)
            case "function_call_output":
                content = "".join(part.text for part in self._parts(item.get("output"), "tool") if isinstance(part, Text))
                self._add("tool", [ToolResult(call_id=str(item.get("call_id")), content=content)])
            case "reasoning":
                # Encrypted for whoever made it, and of its summary no model goes on.
                self._left_out["reasoning items"] = None
            case kind:
                self._obstacle(str(kind))

    def _message(self, item: Mapping[str, Any]) -> None:
        role = _ROLES.get(str(item.get("role")))
        if role is None:
            self._obstacle(f"a message of the role {item.get('role')}")
        elif parts := list(self._parts(item.get("content"), role)):
            self._add(role, parts)

    def _call(self, item: Mapping[str, Any]) -> None:
        match item.get("call_id"), item.get("name"), item.get("arguments"):
            case str(call_id), str(name), str(arguments):
                self._add("assistant", [ToolCall(call_id=call_id, name=name, arguments=storable(arguments))])
            case _:
                self._obstacle("a function_call without call_id, name or arguments")

    def _add(self, role: Role, parts: list[Part]) -> None:
        """A turn of its own, or part of the one before: what a model says and calls is one turn, and so are all results."""
        last_role, last = self._turns[-1] if self._turns else (None, [])
        if role != last_role or role not in ("assistant", "tool") or (_speaks(last) and _speaks(parts)):
            self._turns.append((role, parts))
        else:
            last += parts

    def _parts(self, content: Any, role: Role) -> Iterable[Part]:
        if isinstance(content, str):
            return [Text(text=storable(content))]
        if not isinstance(content, list):
            self._obstacle("content that is neither text nor a list")
        return [part for said in as_list(content) if (part := self._part(as_object(said), role)) is not None]

    def _part(self, said: Mapping[str, Any], role: Role) -> Part | None:
        match said.get("type"), said.get("text"), said.get("refusal"), said.get("image_url"):
            case ("input_text" | "output_text", str(text), _, _) | ("refusal", _, str(text), _):
                return Text(text=storable(text))
            case "input_image", _, _, str(url) if role == "user":
                if said.get("detail") not in (None, "auto"):
                    self._left_out["the detail of images"] = None
                return Image(url=url)
            case kind, *_:
                name = f"{kind or 'a part without a type'}{' by its file_id' if said.get('file_id') else ''}"
                self._obstacle(f"{name} in a function_call_output" if role == "tool" else name)
        return None

    def _tools(self, tools: list[Any]) -> Iterable[ToolSpec]:
        for tool in map(as_object, tools):
            match tool.get("type"), tool.get("name"):
                case "function", str(name):
                    about = storable(str(tool.get("description") or ""))
                    yield ToolSpec(name=name, description=about, parameters=as_object(tool.get("parameters")) or _NO_PARAMETERS)
                case kind, _:
                    self._obstacle(f"the tool {kind}")

    def _tool_choice(self, choice: Any) -> None:
        if choice == "none":
            self._fields.pop("tools", None)
        elif choice != "auto":
            self._obstacle(f"tool_choice {as_object(choice).get('type') or choice}")

    def _text(self, text: Mapping[str, Any]) -> None:
        if text.get("verbosity") not in (None, "medium"):
            self._left_out["verbosity"] = None
        answer = as_object(text.get("format"))
        match answer.get("type"), answer.get("schema"):
            case "json_schema", dict(schema):
                self._fields |= {"expect": "json", "schema": schema}
            case "json_object", _:
                self._fields["expect"] = "json"
            case None | "text", _:
                pass
            case kind, _:
                self._obstacle(f"the format {kind}")


def _speaks(parts: list[Part]) -> bool:
    return any(isinstance(part, Text) for part in parts)
