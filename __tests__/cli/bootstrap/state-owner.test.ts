import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { StateOwner } from "../../../cli/bootstrap/state-owner";
import { HttpError } from "../../../sandbox/http/http-error";
import { xmlDocument } from "../../../sandbox/http/xml";
import { stateAccount } from "../../helpers/endpoints";

const LOCK = JSON.stringify({ ID: "id-1", Operation: "apply", Who: "x@y", Created: "" });

/** The lock's ETag, as long as somebody has it. */
let etag: string | undefined;
/** What every delete is refused with. */
let refusal: HttpError | undefined;
/** Deletes with their conditions, as they came. */
const deletes: (readonly [path: string | undefined, ifMatch: string | undefined])[] = [];
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer(({ method, url: path, headers }, response) => {
    const refused = ({ status, code }: HttpError) =>
      response
        .writeHead(status, { "content-type": "application/xml" })
        .end(xmlDocument("Error", { Code: code, Message: "refused" }));
    if (method === "DELETE") {
      deletes.push([path, headers["if-match"]]);
      if (refusal !== undefined) {
        return refused(refusal);
      }
      etag = undefined;
      return response.writeHead(204).end();
    }
    return etag === undefined
      ? refused(new HttpError(404, "NoSuchKey", ""))
      : response.writeHead(200, { etag }).end(LOCK);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  etag = '"first"';
  refusal = undefined;
  deletes.length = 0;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const owner = () =>
  new StateOwner({
    account: stateAccount("small"),
    credentials: { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "example" },
    env: { AWS_ENDPOINT_URL: url },
  });

test("the lock that was looked at is removed, and no other", async () => {
  const looking = owner();
  expect(await looking.lock()).toEqual({
    id: "id-1",
    operation: "apply",
    who: "x@y",
    created: "",
  });
  await looking.removeLock();
  expect(deletes).toEqual([
    ["/acme-terraform-state/keyspan-bootstrap.tfstate.tflock?x-id=DeleteObject", '"first"'],
  ]);
  expect(await looking.lock()).toBeUndefined();
});

test.each([
  [412, "PreconditionFailed"],
  [409, "ConditionalRequestConflict"],
  [404, "NoSuchKey"],
])("a lock that was given back since is said to be: %i %s", async (status, code) => {
  const looking = owner();
  await looking.lock();
  refusal = new HttpError(status, code, "");
  await expect(looking.removeLock()).rejects.toMatchObject({
    name: "ValidationError",
    message:
      "--unlock must be the id of the lock on the state of bucket acme-terraform-state, got id-1, which was given back just now; run the command again",
  });
  expect(deletes).toHaveLength(1);
});

test("a refusal is the caller's to mend", async () => {
  const looking = owner();
  await looking.lock();
  refusal = new HttpError(403, "AccessDenied", "");
  await expect(looking.removeLock()).rejects.toThrow(
    "the credentials must be able to delete s3://acme-terraform-state/keyspan-bootstrap.tfstate.tflock, got AccessDenied: refused; use an administrator's of the account that owns the bucket",
  );
});

test("nothing is deleted unseen", async () => {
  await expect(owner().removeLock()).rejects.toThrow("must have been looked at");
  etag = undefined;
  const looking = owner();
  await looking.lock();
  await expect(looking.removeLock()).rejects.toThrow("must have been looked at");
  expect(deletes).toEqual([]);
});
