"""Numbers of each queue over the last hour and the last day, in memory, for charts."""

from tidegate.observers.series.metric import Metric
from tidegate.observers.series.series import COARSE, COARSE_ROWS, FINE, FINE_ROWS, Points, Series

__all__ = ["COARSE", "COARSE_ROWS", "FINE", "FINE_ROWS", "Metric", "Points", "Series"]
