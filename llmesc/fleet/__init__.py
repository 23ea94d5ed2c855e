"""Workers that serve models near their hardware, and those who ask them, over one Redis.

A lane is a model with a window class: a stream that workers share as a consumer group. A request rests in a hash that is gone
when its deadline is; its answer comes in a stream of its own, which holds no more than its reader has yet to read. `link` is the
only place that talks to the Redis; `messages` says what travels; `provider` is the asking side, a wire like any other. The
answering side needs an engine: `llmesc.engine.serving`.
"""
