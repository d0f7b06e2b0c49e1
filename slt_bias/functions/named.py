def named(*a, **k): raise NotImplementedError
def names(): raise NotImplementedError
