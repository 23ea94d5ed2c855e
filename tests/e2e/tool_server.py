"""A script: llama.cpp's server with the embedded model, and a chat template that shows it how tools are used.

The template that the model brings leaves tools out. This one says them, and acts a call out beforehand: so shown, a model of 135
million parameters calls and reads by itself, and the server parses what it wrote into calls, in fragments where it streams.
"""

from __future__ import annotations

import os
import sys

import xllamacpp

from llmesc.providers.llamacpp_server import die_with_parent, parameters

TEMPLATE = r"""
{%- if tools %}
  {{- '<|im_start|>system\n' }}{%- for tool in tools %}{{- tool | tojson }}{{- '\n' }}{%- endfor %}{{- '<|im_end|>\n' }}
  {%- for city, weather in [['Rome', 'sunny']] %}
    {{- '<|im_start|>user\nWhat is the weather in ' + city + '?<|im_end|>\n' }}
    {{- '<|im_start|>assistant\n{"name": "weather", "arguments": {"city": "' + city + '"}}<|im_end|>\n' }}
    {{- '<|im_start|>user\nResult: ' + weather + '<|im_end|>\n' }}
    {{- '<|im_start|>assistant\nThe weather in ' + city + ' is ' + weather + '.<|im_end|>\n' }}
  {%- endfor %}
{%- endif %}
{%- for message in messages %}
  {%- if message.role == 'tool' %}
    {{- '<|im_start|>user\nResult: ' + message.content + '<|im_end|>\n' }}
  {%- else %}
    {{- '<|im_start|>' + message.role + '\n' + (message.content or '') }}
    {%- for call in message.tool_calls or [] %}
      {%- set arguments = call.function.arguments %}
      {{- '{"name": "' + call.function.name + '", "arguments": ' }}
      {{- arguments if arguments is string else arguments | tojson }}{{- '}' }}
    {%- endfor %}
    {{- '<|im_end|>\n' }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}
""".strip()


def main(file: str, api_key: str) -> None:
    """Says where it serves, and serves until stdin ends."""
    die_with_parent()
    settings = parameters(
        xllamacpp,
        file=file,
        name="m",
        api_key=api_key,
        context_window=768,
        threads=1,  # two would wait for each other on a busy machine
        fit=False,
        max_tokens=48,
        sampling={},
    )
    settings.chat_template = TEMPLATE
    server = xllamacpp.Server(settings)
    print(f"serving {server.listening_address}", flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
