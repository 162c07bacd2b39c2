"""A local Cloud Eye: what the local OCR counted, and metrics of one's own, with the habits of the real one."""

from localcloud.cloudeye.points import Point, Series
from localcloud.cloudeye.server import LocalCloudEye

__all__ = ["LocalCloudEye", "Point", "Series"]
