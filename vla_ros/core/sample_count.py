"""Counts the samples of a numbered stream, and those that never came."""

from dataclasses import dataclass


@dataclass(slots=True)
class SampleCount:
    """What became of a stream's samples since the first batch that was seen."""

    batches: int = 0
    samples: int = 0
    lost: int | None = None  # None: the stream does not number its samples
    _following: int = 0

    def add(self, samples: int, first_index: int | None = None) -> None:
        """Take a batch of consecutive samples.

        Args:
            samples: how many.
            first_index: number of the first since the sensor started. A jump ahead means lost
                samples; back, that the sensor was started anew.
        """
        self.batches += 1
        self.samples += samples
        if first_index is None:
            return
        if self.lost is None:
            self.lost = 0
        else:
            self.lost += max(first_index - self._following, 0)
        self._following = first_index + samples
