import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { accountJsonSchema } from "../../config/account-json-schema";
import { type Command, refuseSurplus } from "../io";
import { ACCOUNTS_DIRECTORY } from "../synthesize";

/** `npm run schema`: writes accounts/schema.json, by which editors complete and check account files. */
export const schema: Command = (argv, io) => {
  refuseSurplus("schema", argv);
  const file = join(ACCOUNTS_DIRECTORY, "schema.json");
  writeFileSync(file, `${JSON.stringify(accountJsonSchema(), null, 2)}\n`);
  io.out(`wrote ${file}\n`);
  return 0;
};
