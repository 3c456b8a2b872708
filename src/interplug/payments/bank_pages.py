"""The pages of the test provider, which are English alone: nobody pays there."""

HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Test provider</title><link rel="stylesheet" href="/static/tokens.css">
<link rel="stylesheet" href="/static/driver.css"><main class="stack">
"""
FORM = """<h1>Pay by card</h1><p class="notice">This is a test provider. No money moves; enter no real card.</p>
<p>{text}: <strong>{amount}</strong> will be held. You pay what you use.</p><p class="notice warn" role="alert">{reason}</p>
<form method="post" action="{action}"><input type="hidden" name="secret" value="{secret}">
<label>Card number <input name="card" inputmode="numeric" autocomplete="off" required></label>{remember}
<button type="submit" id="pay">Pay</button></form><p><a href="{back}">Back</a></p><h2>Cards</h2><ul>{cards}</ul></main>
"""
CHALLENGE = """<h1>Is it you?</h1><p>The bank of the card asks for a proof: {text}, {amount}.</p>
<form method="post" action="{action}"><input type="hidden" name="secret" value="{secret}">
<button type="submit" id="yes" name="answer" value="yes">Yes, it is me</button>
<button type="submit" id="no" name="answer" value="no">No</button></form><p><a href="{form}">Another card</a></p></main>
"""
REMEMBER = """
<label class="tick"><input type="checkbox" name="remember" value="yes"> Remember this card for the next time</label>"""
