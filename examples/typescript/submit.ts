// A client program: submits a search, waits for its end, writes each trial's best loss as JSON.
//   node submit.js 127.0.0.1:7711
import { connect, type RegulusClient, readSearchFile } from "regulus";
import { RegulusError } from "regulus/proto";

const client: RegulusClient = connect(process.argv[2] ?? "127.0.0.1:7711");
try {
  const { searchId } = await client.createSearch({ spec: await readSearchFile("stripes.yaml") });
  for await (const { facts } of client.watchSearch(searchId)) console.error(`${facts.length} new facts`);
  const losses: (number | undefined)[] = [];
  for await (const trial of client.trials({ searchId })) losses.push(trial.best?.metrics.validLoss);
  console.log(JSON.stringify(losses));
} catch (error) {
  console.error(error instanceof RegulusError ? `${error.code}: ${error.message}` : error);
  process.exitCode = 1;
} finally {
  client.close();
}
