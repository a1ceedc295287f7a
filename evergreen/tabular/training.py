"""Trains a model of a table; called by a `run_fn` of TFX's Trainer."""

import json
import math
import os
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from evergreen.evaluation import weighted
from evergreen.settings.metrics import COUNT
from evergreen.settings.task import Task
from evergreen.tabular.hyperparameters import HyperParameters
from evergreen.tabular.network import perceptron
from evergreen.tabular.rows import Rows, ordered_batches, read_rows, shuffled_batches
from evergreen.tabular.serving import export
from evergreen.tabular.table import Table
from evergreen.tabular.transformer import Transformer

Build = Callable[[Table, HyperParameters, Rows], keras.Model]

_PREDICT_ROWS = 4096
_MEASURE_ROWS = 16_384
"""Rows at a time, to bound the memory for the network's activations."""


def train(table: Table, fn_args: FnArgs, build: Build = perceptron) -> None:
    """Trains, measures and exports a model.

    Args:
        table: The declaration.
        fn_args: TFX's arguments. `custom_config` holds hyper-parameters (`HyperParameters`). Early
            stopping decides the length of training: `train_steps` and `eval_steps` are not used.
        build: Creates the compiled Keras model from declaration, hyper-parameters and training
            rows; `perceptron` tells what it takes and answers.

    Writes the SavedModel into `serving_model_dir`; and into `model_run_dir` `history.json` (losses
    by epoch), `metrics.json` (rows and metrics of both splits) and TensorBoard's logs.

    Raises:
        ValueError: If a hyper-parameter is refused, or a split has no labelled row.
        ContractError: If a label does not fit the task.
    """
    parameters = HyperParameters.from_config(fn_args.custom_config)
    keras.utils.set_random_seed(parameters.seed)
    transformer = Transformer(tft.TFTransformOutput(fn_args.transform_graph_path))
    training = read_rows(fn_args.train_files, transformer, table)
    evaluation = read_rows(fn_args.eval_files, transformer, table)
    model = build(table, parameters, training)
    training, evaluation = (rows.of(model) for rows in (training, evaluation))
    board = keras.callbacks.TensorBoard(fn_args.model_run_dir, write_graph=False)
    history = fit(model, training, evaluation, parameters, [board])
    splits = {"train": training, "eval": evaluation}
    metrics = {name: measure(model, rows, table.label.task) for name, rows in splits.items()}
    _write_json(fn_args.model_run_dir, "history.json", history)
    _write_json(fn_args.model_run_dir, "metrics.json", metrics)
    export(table, model, transformer, fn_args.serving_model_dir)


def fit(
    model: keras.Model,
    train: Rows,
    evaluation: Rows,
    parameters: HyperParameters,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Trains until the loss of the evaluation rows stops improving, and keeps the best weights.

    Args:
        model: A compiled model, trained in place.
        train: The training rows.
        evaluation: The rows for early stopping.
        parameters: Batch size, epochs, patience, and the seed of the order of rows.
        callbacks: Called after each epoch.

    Returns:
        Loss by epoch: `loss` of the training rows, with dropout, and `val_loss`. It is log loss; of
        a regression by `perceptron` squared errors over the variance of the training labels.
    """
    stopping = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=parameters.patience, restore_best_weights=True
    )
    history = model.fit(
        shuffled_batches(train, parameters.batch(len(train.labels)), parameters.seed),
        validation_data=ordered_batches(evaluation, _MEASURE_ROWS),
        epochs=parameters.max_epochs,
        shuffle=False,
        callbacks=[stopping, *callbacks],
        verbose=0,
    )
    return history.history


def measure(model: keras.Model, rows: Rows, task: Task = Task.BINARY) -> dict[str, float | None]:
    """Returns what a model's answers come to, by the names and definitions of the model gate.

    Returns:
        `example_count`, `left_out`, and the metrics of the task that take no argument; None for one
        that is not defined.
    """
    answers = model.predict(rows.features, batch_size=_PREDICT_ROWS, verbose=0).astype(np.float64)
    answers = answers if task is Task.MULTICLASS else answers[:, 0]
    found = weighted.measure(task, rows.labels[:, 0].astype(np.float64), answers)
    counts = {COUNT: float(len(rows.labels)), "left_out": float(rows.left_out)}
    return counts | {name: value if math.isfinite(value) else None for name, value in found.items()}


def _write_json(folder: str, name: str, content: object) -> None:
    tf.io.gfile.makedirs(folder)
    with tf.io.gfile.GFile(os.path.join(folder, name), "w") as file:
        file.write(json.dumps(content, indent=2) + "\n")
