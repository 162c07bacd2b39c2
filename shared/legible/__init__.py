"""Documents dropped into Huawei Cloud OBS become data: JSON, and a workbook that is safe to open."""
