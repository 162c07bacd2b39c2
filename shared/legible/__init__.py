"""Documents dropped into Huawei Cloud OBS become data: JSON, and a workbook that is safe to open."""

#: The version of Legible, as pyproject.toml says it.
VERSION = "0.1.0"
