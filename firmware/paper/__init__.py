"""What is printed: guides, code cards, reserve plans, extracts. What stands on a paper is made by one file each, as
blocks (blocks.py), which a page may show as well; sheet.py makes a PDF of them."""
