"""Reports: tables of computed days, which are the same in every form (text, JSON, CSV, XLSX, page to print)."""
