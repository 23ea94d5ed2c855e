"""The screens' door to files for their owner alone, in which stories are kept."""

from llmesc.config.private_file import Exists, write_private

__all__ = ["Exists", "write_private"]
