"""transformers.Trainer at the same work as ours: same rows of tokens, weights, batch size, steps and optimiser.

Needs the dependency group `peers`. Both sides run AdamW (fused, betas 0.9 and 0.999, epsilon 1e-8) with the same decay
on matrices alone, clip the gradient's norm at 1, warm up and decay the rate linearly, and have the model's own dropout.
A peer's `settings` are what else Trainer is told.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset

from bench.modeling.encoder import quiet_transformers
from bench.modeling.workload import workload
from bench.throughput.texts import LONGEST


class TokenRows(Dataset):
    """Token rows as Trainer takes them: ids, mask, segments and label of each text, in the order of `order`."""

    def __init__(self, tokenizer, split, order=None):
        work = workload(tokenizer, split, LONGEST)
        rows = range(len(work)) if order is None else order
        self.lengths = work.lengths[np.asarray(rows)]
        self.items = [_item(work, row) for row in rows]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, place):
        return dict(self.items[place])


def _item(work, row):
    start, end = work.encoded.offsets[row], work.encoded.offsets[row + 1]
    return {
        "input_ids": work.encoded.ids[start:end].tolist(),
        "token_type_ids": work.encoded.types[start:end].tolist(),
        "attention_mask": [1] * int(end - start),
        "labels": int(work.labels[row]),
    }


def by_length(rows):
    """Return the numbers of `rows` (TokenRows), the longest first."""
    return np.argsort(-rows.lengths, kind="stable")


def classifier(encoder, head):
    """Return transformers' own classifier with copies of the weights of `encoder` (BERT, XLM-R) and `head`."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    fields = {name: value for name, value in encoder.config.to_dict().items() if name != "model_type"}
    config = AutoConfig.for_model(encoder.config.model_type, **fields)
    config.num_labels = head.classes
    with torch.random.fork_rng(devices=[]), quiet_transformers():
        model = AutoModelForSequenceClassification.from_config(config, attn_implementation="sdpa")
    model.base_model.load_state_dict(encoder.state_dict(), strict=False)
    dense, out = _head_layers(model)
    dense.load_state_dict(head.dense.state_dict())
    out.load_state_dict(head.out.state_dict())
    return model


def _head_layers(model):
    inner = model.classifier
    return (inner.dense, inner.out_proj) if hasattr(inner, "out_proj") else (model.base_model.pooler.dense, inner)


@dataclass(frozen=True)
class Peer:
    """One way to set Trainer up: `settings` are TrainingArguments beside those that say what is to be done."""

    name: str
    settings: dict
    sorts: bool = False


def training_peers(dtype, device):
    """Return Trainer as it comes, and Trainer with what its manual offers for speed."""
    return [Peer("Trainer, its defaults", _dtype(dtype)), Peer("Trainer, tuned", _dtype(dtype) | _tuned(device))]


def prediction_peers(dtype, device):
    """Return Trainer.predict at its default batch, and with larger ones of texts sorted by length."""
    large = 32 if device == "cpu" else 256
    sized = {"per_device_eval_batch_size": large, **_loader(device)}
    peers = [
        Peer("Trainer.predict, batch 8 (default)", _dtype(dtype)),
        Peer(f"Trainer.predict, batch {large}", _dtype(dtype) | sized),
        Peer(f"Trainer.predict, batch {large}, sorted by length", _dtype(dtype) | sized, sorts=True),
    ]
    if dtype == "bfloat16":
        # Faster than autocast, at the price of logits that tie.
        whole = {"bf16_full_eval": True, **sized}
        peers.append(Peer(f"Trainer.predict, batch {large}, sorted, weights in bfloat16", whole, sorts=True))
    return peers


def _dtype(dtype):
    return {"bf16": dtype == "bfloat16"}


def _tuned(device):
    # Its dataset is in memory and its batches are short lists: on a CPU workers would take the model's cores.
    return {"train_sampling_strategy": "group_by_length", "logging_nan_inf_filter": False, **_loader(device)}


def _loader(device):
    if device == "cpu":
        return {"dataloader_pin_memory": False}
    return {"dataloader_num_workers": 4, "dataloader_persistent_workers": True, "dataloader_prefetch_factor": 4}


def trainer(model, tokenizer, phase, steps, directory, device, peer=None, rows=None, trainer_class=None, seed=0):
    """Return a Trainer that runs `phase` for `steps` steps on `rows` (None: one that predicts)."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    arguments = TrainingArguments(
        output_dir=str(directory), per_device_train_batch_size=phase.batch_size, max_steps=steps,
        learning_rate=phase.learning_rate, weight_decay=phase.weight_decay, adam_epsilon=phase.adam_epsilon,
        max_grad_norm=phase.clip_norm, warmup_steps=phase.warmup(steps), lr_scheduler_type="linear", seed=seed,
        use_cpu=device == "cpu", save_strategy="no", report_to="none", disable_tqdm=True,
        **({} if peer is None else peer.settings),
    )  # fmt: skip
    with quiet_transformers():
        return (trainer_class or Trainer)(
            model=model, args=arguments, train_dataset=rows, data_collator=DataCollatorWithPadding(tokenizer)
        )
