def html(c, t): return "<!doctype html>"
def text(c): return "int_klaviyo__events not measured"
