"""Columns of numbers that grow by a row at a time and take eight bytes a cell."""

from array import array

import numpy as np
from numpy.typing import NDArray


class Table:
    """Rows of float64; `table["t_s"]` is a column, (N,)."""

    def __init__(self, *columns: str) -> None:
        """Name the columns."""
        self.columns = columns
        self._cells = array("d")

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._cells) // len(self.columns)

    def __getitem__(self, column: str) -> NDArray[np.float64]:
        """Return a copy of a whole column."""
        return self.since(column, 0)

    def since(self, column: str, row: int) -> NDArray[np.float64]:
        """Return a copy of a column from `row` on."""
        width = len(self.columns)
        return np.array(self._cells[row * width + self.columns.index(column) :: width])

    def append(self, *row: float) -> None:
        """Add a row, one number a column."""
        if len(row) != len(self.columns):
            raise ValueError(f"{len(row)} numbers for the columns {', '.join(self.columns)}")
        self._cells.extend(row)
