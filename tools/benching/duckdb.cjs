// Usage: node duckdb.cjs THREADS QUERY      with @duckdb/node-api in $NODE_PATH
const { DuckDBInstance } = require("@duckdb/node-api");

async function main() {
  const [threads, query] = process.argv.slice(2);
  const instance = await DuckDBInstance.create(":memory:", { threads });
  const connection = await instance.connect();
  await connection.run(query);
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
