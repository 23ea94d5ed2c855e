"""The answering side of the fleet: a worker takes requests from its lanes and answers them from its own configuration.

Each is a run of this engine, with its own circuits, record and policy; what the provider says is handed on as it comes.
"""
