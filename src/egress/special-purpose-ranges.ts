/**
 * What is not a public unicast address, from the IANA special-purpose address registries of 2025-10-09 (RFC 6890 and
 * its updates) and the multicast ranges. The few globally reachable entries (AS112, anycast relays, ORCHIDs) are in here too: no push
 * service or webhook lives there.
 */
export const forbiddenIpv4 = [
  '0.0.0.0/8', // "this network"
  '10.0.0.0/8', // private
  '100.64.0.0/10', // shared address space of carriers
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link local, cloud metadata
  '172.16.0.0/12', // private
  '192.0.0.0/24', // IETF protocol assignments
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarking
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved and broadcast
] as const;

/** Global unicast; everything outside is refused: loopback, IPv4-mapped, NAT64, unique local, link local, multicast … */
export const publicIpv6 = '2000::/3';

/** Special-purpose blocks inside `publicIpv6`. */
export const forbiddenIpv6 = [
  '2001::/23', // IETF protocol assignments: Teredo, benchmarking, ORCHIDs, anycast
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: an IPv4 address in disguise
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
] as const;
