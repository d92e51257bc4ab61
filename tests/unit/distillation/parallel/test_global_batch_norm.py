from __future__ import annotations

import pytest
import torch
from torch import nn

from contrastive_processes import NORM_ROWS, found_by_two, norm_cases, norm_rows, run_norm
from sightglass.distillation.parallel.global_batch_norm import GlobalBatchNorm2d, convert
from sightglass.distillation.parallel.processes import Processes
from sightglass.errors import InputError

CLOSE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.mark.parametrize("case", range(len(norm_cases())))
def test_a_global_batch_norm_is_torchs_own_over_the_rows_of_all(
    case: int,
) -> None:
    two = found_by_two()
    expected = run_norm(norm_cases()[case][0], *norm_rows(case))
    for name in ("answer", "slope", "eval"):
        if name == "eval" and not expected["state"].get("running_mean", torch.zeros(0)).numel():
            continue  # statistics of a batch of other rows
        found = torch.cat([one["norms"][case][name] for one in two])
        torch.testing.assert_close(found, expected[name], atol=2e-5, rtol=1e-4)
    for one in two:
        assert list(one["norms"][case]["state"]) == list(expected["state"])
        for name, tensor in expected["state"].items():
            torch.testing.assert_close(one["norms"][case]["state"][name], tensor, **CLOSE)
        torch.testing.assert_close(
            one["norms"][case]["parameters"], expected["parameters"], atol=1e-4, rtol=1e-4
        )
    assert len(two[0]["norms"][case]["answer"]) == NORM_ROWS[0] != NORM_ROWS[1]


def test_for_one_process_convert_changes_nothing_and_other_norms_are_refused() -> None:
    norm = nn.BatchNorm2d(2)
    assert type(convert(norm, Processes.alone())) is nn.BatchNorm2d
    two_of_them = Processes(rank=0, count=2)
    assert type(convert(norm, two_of_them)) is GlobalBatchNorm2d
    with pytest.raises(InputError) as caught:
        convert(nn.Sequential(nn.BatchNorm3d(2)), two_of_them)
    assert str(caught.value) == (
        "convert: batch norms of one or two dimensions can be made global, '0' is a BatchNorm3d. "
        "Train this network in one process."
    )
