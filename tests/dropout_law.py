"""That our dropout has the law of torch's, through a whole encoder: `python -m tests.dropout_law [--draws N]`.

At fixed weights the pooled states of some texts are drawn again and again with either. For equal laws the differences
of the means, over their standard errors, have mean 0 and spread 1, and variances have the ratio 1. Needs a mirror.
"""

import argparse
from unittest.mock import patch

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention

from bench.catalog.models import model
from bench.data.mirror import mirrors_from_environment
from bench.data.real import load_real
from bench.data.sources import Access, locate_model
from bench.modeling import attention
from bench.modeling.dropout import fast_dropout
from bench.modeling.encoder import load_encoder
from bench.modeling.forward import padded_states
from bench.modeling.heads import masked_mean
from bench.modeling.tokenization import encode, load_tokenizer

CPU = torch.device("cpu")


def as_torch(query, key, value, mask, rate, scale):
    """Attention with torch's own dropout."""
    return scaled_dot_product_attention(query, key, value, mask, rate, scale=scale).transpose(1, 2)


def drawn(encoder, encoded, draws, own, seed):
    """Return (draws, texts * hidden) mean states of the texts, with our dropout (`own`) or torch's."""
    torch.manual_seed(seed)
    encoder.train()
    rows = np.arange(len(encoded))
    replaced = fast_dropout([encoder], CPU) if own else patch.object(attention, "_with_dropout", as_torch)
    with replaced, torch.no_grad():
        passes = (padded_states(encoder, encoded, rows, CPU) for _ in range(draws))
        return np.stack([masked_mean(states[-1], mask).numpy().ravel() for states, mask in passes])


def compared(encoder, encoded, draws):
    """Return mean and spread of the differences over their standard errors, and the ratio of the mean variances."""
    own, torchs = (drawn(encoder, encoded, draws, own, seed) for own, seed in ((True, 1), (False, 2)))
    variances = [each.var(axis=0, ddof=1) for each in (own, torchs)]
    z = (own.mean(axis=0) - torchs.mean(axis=0)) / np.sqrt(sum(variances) / draws)
    return float(z.mean()), float(z.std()), float(variances[0].mean() / variances[1].mean())


def main():
    """Compare on me5_small and English pairs of XNLI."""
    parser = argparse.ArgumentParser(prog="python -m tests.dropout_law", description=__doc__.partition("\n")[0])
    parser.add_argument("--draws", type=int, default=60, help="draws of each (default 60)")
    parser.add_argument("--texts", type=int, default=24, help="pairs of texts (default 24)")
    options = parser.parse_args()
    spec, access = model("me5_small"), Access(mirrors_from_environment())
    directory = locate_model(spec.hub_id, spec.revision, access).directory
    examples = load_real("xnli", "validation", "en", access).examples[: options.texts]
    encoder, _ = load_encoder(directory)
    found = compared(encoder, encode(load_tokenizer(directory), examples, 128), options.draws)
    print("z of mean {:.3f} and spread {:.3f}; ratio of variances {:.3f}".format(*found))


if __name__ == "__main__":
    main()
