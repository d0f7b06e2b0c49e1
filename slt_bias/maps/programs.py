"""A minimal program for each family: an upper bound on K(M), the complexity of the map itself.

The coding theorem for a map M reads log₂P(f) ≤ −K(f) + K(M) + O(1) (Dingle, Camargo & Louis 2018): a map can prefer
complicated functions only as far as it is complicated itself. Each program defines f(r, n), which takes a generator of
random numbers (numpy.random.Generator) and the number of inputs, draws a function of the family with its default options,
and returns the truth table, 2ⁿ values that count as bits, first input most significant.

`description_bits` is the length of the program after lossless compression: an upper bound on K(M) up to the constant of
the interpreter, which knows Python, numpy and deflate. Other options of a family change some digits of its program, and
the bound by about as many bits as they have. The inputs' number n and the generator are given, not described.
"""

from __future__ import annotations

from slt_bias.errors import SpecError, nearest
from slt_bias.functions.catalogue.reference import deflated_bits

_POINTS = """import numpy as np
def f(r,n=7):
 x=np.indices((2,)*n).reshape(n,-1)
 g=r.normal
"""

_MLP = """ h=x
 for k in 40,40,1:h=np.maximum(g(size=(k,len(h)))@h/len(h)**.5+g(size=(k,1)),0)
"""

PROGRAMS = {
    "uniform": """def f(r,n=7):
 return r.integers(2,size=2**n)
""",
    "perceptron": _POINTS
    + """ return g(size=n)@x/n**.5+g()>0
""",
    "mlp": _POINTS
    + _MLP
    + """ return h[0]>0
""",
    "polynomial": "from itertools import*\n"
    + _POINTS
    + """ return sum(g()*x[list(s)].prod(0)for d in range(4)for s in combinations(range(n),d))>0
""",
    "transformer": _POINTS
    + """ N=lambda z:(z-z.mean(2,keepdims=1))/(z.var(2,keepdims=1)+1e-5)**.5
 L=lambda z,k:z@g(size=(z.shape[-1],k))/z.shape[-1]**.5+g(size=k)
 h=g(size=(2,16))[x.T]+g(size=(n,16))
 q,k,v=(L(N(h),16).reshape(-1,n,2,8)for _ in"qkv")
 s=np.exp(np.einsum("pthd,pshd->phts",q,k)/8**.5)
 h=h+L(np.einsum("phts,pshd->pthd",s/s.sum(3,keepdims=1),v).reshape(h.shape),16)
 h=h+L(np.maximum(L(N(h),64),0),16)
 return L(N(h).mean(1),1)[:,0]>0
""",
    "cnn": _POINTS
    + """ h=x[None]
 for _ in 0,1:
  h=np.pad(h,((0,0),(1,1),(0,0)))
  h=np.concatenate([h[:,j:j+n]for j in(0,1,2)])
  h=np.maximum(np.tensordot(g(size=(16,len(h)))/len(h)**.5,h,1)+g(size=(16,1,1)),0)
 return g(size=16*n)@h.reshape(16*n,-1)/4/n**.5+g()>0
""",
    "rnn": _POINTS
    + """ w,u,b=g(size=(16,16))/4,g(size=(16,1)),g(size=(16,1))
 h=0*b
 for t in x:h=np.tanh(w@h+u*t+b)
 return g(size=16)@h/4+g()>0
""",
    "lstm": _POINTS
    + """ w,u,b=g(size=(64,16))/4,g(size=(64,1)),g(size=(64,1))
 h=c=np.zeros((16,1))
 s=lambda z:.5+.5*np.tanh(z/2)
 for t in x:
  i,k,j,o=np.split(w@h+u*t+b,4)
  c=s(k)*c+s(i)*np.tanh(j)
  h=s(o)*np.tanh(c)
 return g(size=16)@h/4+g()>0
""",
    "fourier": _POINTS
    + """ return g(size=64)@np.cos(g(size=(64,n))@x+r.uniform(0,2*np.pi,(64,1)))>0
""",
    "random-features": _POINTS
    + """ q=np.random.default_rng(0).normal
 return g(size=64)@np.maximum(q(size=(64,n))@x/n**.5+q(size=(64,1)),0)/8+g()>0
""",
    "tree": _POINTS
    + """ t,i=r.integers(n,size=15),0*x[0]
 for _ in range(4):i=2*i+1+x[t[i],np.arange(2**n)]
 return r.integers(2,size=16)[i-15]
""",
    "circuit": _POINTS
    + """ v=list(x)
 for _ in range(16):
  a,b=(v[r.integers(len(v))]for _ in"ab")
  v.append([a&b,a|b,1-a][r.integers(3)])
 return v[-1]
""",
    "transducer": _POINTS
    + """ t,e,s=r.integers(5,size=(5,2)),r.integers(2,size=(5,2)),0
 for b in x:y,s=e[s,b],t[s,b]
 return y
""",
    "layered": """import numpy as np
def f(r,n=7):
 s=np.arange(2**n)
 for _ in range(3):s=r.integers(2**n,size=2**n)[s]
 return r.integers(2,size=2**n)[s]
""",
    "scrambled": _POINTS
    + _MLP
    + """ b,m=1*(h[0]>0),2**n//2
 for k in range(12):b=np.r_[b[m:],b[:m]^(np.random.default_rng([k,*b[m:]]).random(m)<.5)]
 return b
""",
}


def source(family: str) -> str:
    """The program of a family. Raises SpecError where there is none."""
    if family == "module":
        raise SpecError("module: its program is your own code; there is no minimal one here.")
    if family not in PROGRAMS:
        raise SpecError(f"`{family}` has no minimal program.{nearest(family, PROGRAMS)}")
    return PROGRAMS[family]


def description_bits(family: str) -> int:
    """The length in bits of a family's program, compressed (deflate without header). Raises SpecError."""
    return int(deflated_bits(source(family)))
