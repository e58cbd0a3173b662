"""What others do in place of ours: a module for each library, which is imported only where it is installed.

None of them imports ours. Those that take the place of an instance have `come_and_go(count)`, which returns what creates
and ends, once, so many plugins of distinct classes whose hooks do nothing.
"""
