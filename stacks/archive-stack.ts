import type { ITerraformDependable } from "cdktf";
import type { Construct } from "constructs";
import type { AccountConfig, BusConfig } from "../config/account-config";
import { EncryptedArchive } from "../modules/events/encrypted-archive";
import { EncryptedBus } from "../modules/events/encrypted-bus";
import { archiveStackId } from "../modules/names";
import { eventBusArn } from "../modules/partition";
import { AccountStack } from "./account-stack";
import type { KeyStack } from "./key-stack";

/** Props of an {@link ArchiveStack}. */
export interface ArchiveStackProps {
  readonly account: AccountConfig;
  readonly region: string;
  /** Stack that holds the keys of the region. */
  readonly keys: KeyStack;
}

/**
 * The event buses and archives of one region, encrypted with the keys of that region.
 *
 * In a region that is draining or retired the stack is empty, and stays so until the region leaves
 * the account: only a stack that is still there can delete what it held.
 */
export class ArchiveStack extends AccountStack {
  constructor(scope: Construct, { account, region, keys }: ArchiveStackProps) {
    super(scope, archiveStackId(region), { account, region, spansRegions: false });
    // References alone would not order a stack that is empty, or uses only existing keys.
    this.addDependency(keys);

    const buses = account.buses.filter((bus) => bus.regions.includes(region));
    const made = new Map(
      buses
        .filter(({ existing }) => !existing)
        .map((bus) => [bus.name, this.defineBus(bus, region, keys)]),
    );
    for (const archive of account.archives.filter(({ regions }) => regions.includes(region))) {
      const bus = buses.find(({ name }) => name === archive.busName);
      if (bus === undefined) {
        throw new Error(`archive ${archive.id} names bus ${archive.busName}, not in ${region}`);
      }
      new EncryptedArchive(this, `Archive-${archive.id}`, {
        archiveName: archive.name,
        addressName: archive.id,
        eventBusArn: eventBusArn(this.locationIn(region), bus.name),
        bus: made.get(bus.name),
        key: keys.keyIn(bus.keyName, region),
        retention: archive.retention,
        eventPattern: archive.eventPattern,
      });
    }
  }

  private defineBus(bus: BusConfig, region: string, keys: KeyStack): ITerraformDependable {
    return new EncryptedBus(this, `Bus-${bus.name}`, {
      busName: bus.name,
      at: this.locationIn(region),
      key: keys.keyIn(bus.keyName, region),
      deadLetterKey: keys.keyIn("alerts", region),
      producers: bus.producers,
    }).bus;
  }
}
