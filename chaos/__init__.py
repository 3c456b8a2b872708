"""Whether nothing acknowledged is lost, and both sides become level again, whatever is killed and whoever lies: docs/chaos.md.

__main__   the command line; `outcome` is what a seed came to, `report` the table in the end
seed       one seed: rounds of a storm, then calm, then the comparison; `weather` says which fault meets which request
stage      the nodes, their proxies and owners, as processes (`lives`), furnished (`furnish`) with a small `city`
proxy      everything that partners say to a node goes through it, and much does not arrive
writer     the owner's systems beside a node; what was tried and what was acknowledged stands in a `journal`
partner    an operator that the bench plays itself
compare    what both sides hold, and what was acknowledged
roll       one release takes another's place; `releases` are those that were kept
"""
