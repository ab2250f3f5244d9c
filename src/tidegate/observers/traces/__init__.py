"""Traces by OpenTelemetry: a span for each call of the API, and one for each attempt, linked to the task's creation.

``asked`` says whether they are wanted; without that nothing of this, nor of the SDK, is imported. ``export`` makes the
SDK's parts from the standard variables, ``calls`` and ``attempts`` make spans, ``fields`` says what stands in them.
``current`` tells logs and metrics which trace they belong to.
"""
