"""reviewbot reviews pull requests. The story, and the file that tells each part of it:

1. A pull request is named and its facts fetched        core/change/pull_request.py, github/, checkout.py
2. its change is parsed                                 core/change/patch.py
3. what is reviewed is kept, what is not is named       core/change/scope.py
4. the rest is cut to fit the model                     core/context/chunking.py
5. static analyzers look at the files                   analyzers/run.py, flows/analysis.py
6. each part becomes a question                         core/context/prompt.py
7. the model answers                                    model/responses.py
8. the answer is read and each finding is placed        core/findings/reply.py, core/findings/placement.py
9. what holds and is new is kept                        core/findings/triage.py
10. it is written down and posted, once                 core/report/rendering.py, github/reviews.py
All of it in order:                                     flows/review.py
"""

from reviewbot.core import VERSION

__version__ = VERSION
