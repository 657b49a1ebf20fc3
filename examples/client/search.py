"""A search from Python, by code that protoc generates from proto/ alone: create, watch, list, export, stop.

    protoc -I proto --python_out=OUT --grpc_python_out=OUT \
        --plugin=protoc-gen-grpc_python="$(command -v grpc_python_plugin)" proto/regulus/v1/*.proto
    PYTHONPATH=OUT python3 examples/client/search.py 127.0.0.1:7711

On Debian: apt-get install protobuf-compiler-grpc libprotobuf-dev python3-grpcio. It prints one JSON object a line.
"""
import json
import sys
import uuid

import grpc
from regulus.v1 import fact_pb2, search_pb2, search_service_pb2 as api, search_service_pb2_grpc


def a_search(name, trials):
    """A closed-form function of two parameters, tried at random."""
    spec = search_pb2.SearchSpec(name=name, parallelism=1, seed=1)
    spec.workload.name = "synthetic-function"
    spec.workload.options.update({"function": "sphere"})
    spec.objectives.add(metric="validLoss", direction=search_pb2.DIRECTION_MINIMIZE)
    spec.strategy.name = "random"
    spec.budget.trials = trials
    for parameter in ("x0", "x1"):
        domain = spec.space.add(name=parameter).double
        domain.min, domain.max = -1.0, 1.0
    return spec


def say(**what):
    print(json.dumps(what), flush=True)


def main(address):
    with grpc.insecure_channel(address) as channel:
        searches = search_service_pb2_grpc.SearchServiceStub(channel)

        # A repeated call with the same key finds the first one's search, so that a lost answer does no harm.
        request = api.CreateSearchRequest(spec=a_search("from python", trials=5), idempotency_key=str(uuid.uuid4()))
        search_id = searches.CreateSearch(request).search.search_id
        say(created=search_id, same=searches.CreateSearch(request).search.search_id == search_id)

        # A watch ends with the search. After a broken connection, go on with after=POSITION of the last fact.
        position, ended = 0, 0
        for answer in searches.WatchSearch(api.WatchSearchRequest(search_id=search_id, after=position)):
            for fact in answer.facts:
                position = fact.position
                ended += fact.WhichOneof("kind") == "trial_ended"
        say(watched=position, ended=ended)

        best = searches.ListTrials(api.ListTrialsRequest(search_id=search_id, best_first=True, page_size=1)).trials[0]
        say(best=best.trial, value=best.best.metrics["validLoss"], parameters=dict(best.work.parameters.items()))

        rows = [row.trial.trial for row in searches.ExportSearch(api.ExportSearchRequest(search_id=search_id))]
        say(exported=sorted(rows))

        # A search that is stopped keeps its results.
        other = searches.CreateSearch(api.CreateSearchRequest(spec=a_search("stopped", trials=1_000_000))).search.search_id
        searches.StopSearch(api.StopSearchRequest(search_id=other, reason="seen enough"))
        for _ in searches.WatchSearch(api.WatchSearchRequest(search_id=other)):
            pass
        outcome = searches.GetSearch(api.GetSearchRequest(search_id=other)).search.outcome
        say(stopped=other, outcome=fact_pb2.SearchOutcome.Name(outcome))

        # A wrong request says which fields are wrong.
        wrong = a_search("wrong", trials=1)
        wrong.space[0].double.max = -2.0
        try:
            searches.CreateSearch(api.CreateSearchRequest(spec=wrong))
        except grpc.RpcError as error:
            say(refused=error.code().name, details=error.details())


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7711")
