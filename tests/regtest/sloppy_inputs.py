"""What people type that is no JSON, or hardly: parameters of multifundchannel as they go through the socket.

Each row: the text of `params`; what the builtin does with it; and, where the plugin does something else, what and why.
    OPENS     the parameters are taken (the destination cannot be reached, so that nothing is opened)
    REFUSES   -32602, by the command
    NODE      lightningd itself takes it for no request, so that no plugin ever sees it (a word without quotes, for
              example, that begins with something else than a digit, -, t, f or n)

ID is a node id, PEER that with an address where nobody listens, TXID:VOUT a coin of the wallet whose first digit may begin a word,
and HEXOUT its output in hex.
"""
OPENS, REFUSES, NODE = "opens", "refuses", "lightningd refuses"


def destination(amount="100000", more=""):
    return f'{{"id":"PEER","amount":{amount}{more}}}'


def one(amount="100000", more=""):
    return f'{{"destinations":[{destination(amount, more)}]}}'


def option(text):
    return f'{{"destinations":[{destination()}],{text}}}'


DEEP = 3_000  # lightningd recurses

# From v26.09 on the builtin refuses such numbers. The plugin takes them still.
STRICT_SINCE = "26.09"


def is_strict_number(params):
    return any(text in params for text in ('"mindepth":0x1', '"minconf":"+1"', '"minconf":" 1"', '"minconf":""'))


# (params, what the builtin does[, what we do, why])
INPUTS = [
    # commas and colons
    ('{"destinations":[{"id":"PEER","amount":"100000",}]}', OPENS),
    ('{"destinations":[{"id":"PEER","amount":100000},]}', OPENS),
    ('{"destinations":[{"id":"PEER","amount":100000}],}', OPENS),
    ('{,"destinations":[,{,,"id":"PEER","amount":100000}]}', OPENS),
    ('{"destinations"::[{"id"::"PEER":,"amount":100000}]}', NODE),
    ('{"destinations"::[{"id"::"PEER","amount"::100000}]}', OPENS),
    ('{"destinations":[{"id" "PEER","amount":100000}]}', NODE),
    ('{"destinations":[{"id":"PEER" "amount":100000}]}', NODE),
    ('{"destinations":[{"id":"PEER","amount"}]}', NODE),
    ('{"destinations":[{"id":"PEER","amount":}]}', NODE),
    ('{"destinations":[{id:"PEER","amount":100000}]}', NODE),
    ('{"destinations":["id":"PEER"]}', NODE),
    ('{,}', REFUSES),
    ('[,]', REFUSES),
    ('[[{"id":"PEER","amount":100000}] null 1]', OPENS),
    ('[[{"id":"PEER","amount":100000}],nope,nix]', OPENS),
    ('{}:', REFUSES),
    ('"destinations"', REFUSES),
    ('nope', REFUSES),
    # amounts
    (one("100000sat"), OPENS),
    (one("100000000msat"), OPENS),
    (one("0.001btc"), OPENS),
    (one("1.btc"), OPENS),
    (one("100000sats"), OPENS),
    (one('"100000 "'), REFUSES),
    (one("0100000"), OPENS),
    (one('"0100000"'), OPENS),
    (one('"0100001msat"'), OPENS, REFUSES, "the builtin opens a channel of 100,001 sat for 100 sat and a bit"),
    (one("0x186a0"), REFUSES),
    (one("100k"), REFUSES),
    (one("1_000"), REFUSES),
    (one("1e5"), REFUSES),
    (one("1e400"), REFUSES),
    (one("9" * 400), REFUSES),
    (one("-"), REFUSES),
    (one("-100000"), REFUSES),
    (one("nope"), REFUSES),
    (one("null"), REFUSES),
    (one("true"), REFUSES),
    (one("all"), NODE),
    (one('100000"'), REFUSES),
    (one("10{0"), REFUSES),
    (one('"100000\n"'), REFUSES),
    (one('"\\ud800"'), REFUSES),
    (one('"\\u0031\\u0030\\u0030\\u0030\\u0030\\u0030"'), REFUSES, OPENS, "a string is what its escapes say"),
    (one('"100000\xff"'), NODE),
    (one('"\\x"'), NODE),
    (one("\x01"), NODE),
    # names twice, and escaped ones
    (one("100000", ',"amount":200000'), REFUSES),
    (one("100000", ',"\\u0061mount":200000'), REFUSES),
    (option('"destinations":[]'), REFUSES),
    ('{"destinations":[{"\\u0069d":"PEER","amount":100000}]}', REFUSES),
    # the rest
    ('{"destinations":[{"id":ID,"amount":100000}]}', OPENS),
    ('{"destinations":[{"id":PEER,"amount":100000}]}', OPENS),
    (one("100000", ',"announce":nope'), REFUSES),
    (one("100000", ',"announce":True'), NODE),
    (one("100000", ',"push_msat":1sat,"reserve":01000,"mindepth":0x1'), OPENS),
    (one("100000", ',"mindepth":010'), OPENS, REFUSES, "the builtin reads 8; whoever writes 010 hardly means that"),
    (one("100000", ',"mindepth":1.0'), REFUSES),
    (one("100000", ',"announce":truely'), REFUSES),
    (one("100000", ',"close_to":bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'), NODE),
    (option('"minconf":+1'), NODE),
    (option('"minconf":"+1"'), OPENS),
    (option('"minconf":" 1"'), OPENS),
    (option('"minconf":""'), OPENS, REFUSES, "the builtin reads 0 and would spend unconfirmed coins"),
    (option('"minchannels":1e0'), REFUSES),
    (option('"utxos":[TXID:VOUT]'), OPENS),
    (option('"utxos":["TXID:VOUT",]'), OPENS),
    (option('"utxos":["TXID:HEXOUT"]'), OPENS),
    (option('"feerate":nope'), OPENS, REFUSES, "the builtin would ask peers first, and fail"),
    (option('"feerate":7500perkw'), OPENS),
    (option('"nonsense":1,'), REFUSES),
    # blank lines, depth
    ('\n\n{"destinations"\n\n:[\n\n{"id":"PEER",\n\n"amount":100000}]}', OPENS),
    ('{"destinations":' + "[" * 101 + "]" * 101 + "}", REFUSES),
    ('{"destinations":' + "[" * DEEP + "]" * DEEP + "}", REFUSES),
]
