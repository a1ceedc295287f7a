"""The SavedModel behind LitServe. Runs in its environment: `litserve_server.py SAVED PORT`."""

import math
import sys
from typing import Any

import litserve as ls
import tensorflow as tf

Row = dict[str, Any]


class SavedModel(ls.LitAPI):
    """Asks the signature `raw`, batches of requests at once."""

    def __init__(self, saved: str, **options: Any) -> None:
        super().__init__(**options)
        self._saved = saved

    def setup(self, device: str) -> None:
        """Loads the SavedModel."""
        del device
        self._model = tf.saved_model.load(self._saved)
        self._raw = self._model.signatures["raw"]
        self._inputs = self._raw.structured_input_signature[1]

    def decode_request(self, request: Row) -> Row:
        """A request is a row; null is NaN."""
        return {name: math.nan if value is None else value for name, value in request.items()}

    def batch(self, inputs: list[Row]) -> list[Row]:
        """Rows go together as they are."""
        return inputs

    def predict(self, x: list[Row]) -> list[float]:
        """Predicts rows."""
        columns = {
            name: tf.constant([row[name] for row in x], spec.dtype)
            for name, spec in self._inputs.items()
        }
        return self._raw(**columns)["probabilities"].numpy().tolist()

    def unbatch(self, output: list[float]) -> list[float]:
        """One answer a row."""
        return output

    def encode_response(self, output: float) -> dict[str, float]:
        """The answer as JSON."""
        return {"probabilities": output}


if __name__ == "__main__":
    saved, port = sys.argv[1:]
    api = SavedModel(saved, max_batch_size=64, batch_timeout=0.001)
    server = ls.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(port), generate_client_file=False, log_level="warning")
