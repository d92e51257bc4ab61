from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("ci")

# No test may look at, or write to, the person's own cache; nor reach for a model hub.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Tests that load onnxruntime by themselves report to nobody either.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
