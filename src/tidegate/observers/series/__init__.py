"""Numbers of each queue over the last hour and the last day, in memory, for charts."""

from tidegate.observers.series.metric import Metric
from tidegate.observers.series.series import Points, Series

__all__ = ["Metric", "Points", "Series"]
