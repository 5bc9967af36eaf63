"""Measures configurations side by side: each in turn, over and over, so that noise hits all."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev
from typing import Any

from vla_ros.benchmark.configuration import Configuration
from vla_ros.benchmark.workbench import Cycle, Workbench
from vla_ros.core.latency import stats
from vla_ros.models.hardware import device_name

TOTAL = "total"
_MB = 1e6


@dataclass
class Result:
    """What was measured of a configuration."""

    comparison: str
    configuration: Configuration
    about: dict[str, Any] = field(default_factory=dict)  # model_id, device, tokens, grid ...
    image_hashes: list[list[str]] = field(default_factory=list)  # of each encode
    samples_ms: dict[str, list[float]] = field(default_factory=dict)  # of each stage
    memory_mb: dict[str, float] = field(default_factory=dict)  # peak of each stage, and before

    def add(self, cycle: Cycle) -> None:
        """Take a cycle."""
        self.image_hashes.append(list(cycle.hashes))
        for stage, times in cycle.stages_ms.items():
            self.samples_ms.setdefault(stage, []).extend(times)

    def mean_ms(self, stage: str) -> float:
        """Return the mean time of a stage, 0 where the configuration does not have it."""
        return fmean(self.samples_ms.get(stage, [0.0]))

    @property
    def fps(self) -> float:
        """Return how many frame sets were acted on a second, one after the other."""
        return 1e3 * self.configuration.batch / self.mean_ms(TOTAL)

    @property
    def peak_mb(self) -> float:
        """Return the most memory in use during any stage."""
        return max(self.memory_mb.values())

    @property
    def working_mb(self) -> float:
        """Return the most memory that a stage took beyond what was in use before."""
        return self.peak_mb - self.memory_mb["before"]

    def stages(self) -> dict[str, dict[str, Any]]:
        """Return the distribution of each stage, and its single times."""
        return {
            stage: stats(times).as_dict() | {"std": pstdev(times), "samples_ms": times}
            for stage, times in self.samples_ms.items()
        }


def measure_all(
    bench: Workbench,
    compared: Mapping[str, Sequence[Configuration]],
    iterations: int,
    warm_up: int,
    step: Callable[[str], object],
) -> list[Result]:
    """Return a result for each configuration, comparison after comparison.

    Args:
        bench: what runs them.
        compared: see `comparisons`.
        iterations: cycles of each that are measured.
        warm_up: cycles of each that are not, after the proof that its images reach the encoder.
        step: is told after each cycle what comes next, `steps` times in all.

    Raises:
        VlaError: a configuration cannot be run, or its images do not reach the encoder.
    """
    results = []
    for comparison, configurations in compared.items():
        group = [Result(comparison, c) for c in configurations]
        for c in configurations:
            bench.prove(c)
            step(f"{comparison}: warming up")
        for number in range(-warm_up, iterations):
            start = number % len(group)  # no configuration is always the first of its turn
            for result in group[start:] + group[:start]:
                cycle = bench.cycle(result.configuration)
                if number >= 0:
                    result.add(cycle)
                result.about = _about(bench, result.configuration, cycle)
                step(comparison)
        for result in group:
            peaks = bench.memory(result.configuration)
            result.memory_mb = {stage: peak / _MB for stage, peak in peaks.items()}
            step(f"{comparison}: memory")
        results += group
    return results


def steps(compared: Mapping[str, Sequence[Configuration]], iterations: int, warm_up: int) -> int:
    """Return how often `measure_all` will tell how far it is."""
    return sum(map(len, compared.values())) * (iterations + warm_up + 2)


def _about(bench: Workbench, c: Configuration, cycle: Cycle) -> dict[str, Any]:
    encoder, encoded = bench.encoder(c), cycle.encoded
    return {
        "model_id": encoder.model_id,
        "device": device_name(encoder.device),
        "dtype": str(encoder.dtype).removeprefix("torch."),
        "tokens": encoded.total_tokens,
        "view_tokens": encoded.view_tokens.tolist(),
        "image_grid_thw": encoded.image_grid_thw.tolist(),
    }
