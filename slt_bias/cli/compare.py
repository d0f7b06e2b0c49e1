"""x"""
def compare() -> None:
    """c"""
