import { describe, expect, it } from 'vitest';
import { processIdentity } from '../../src/util/process-identity.ts';
import { lifeOf, type Owner, thisOwner } from '../../src/util/process-owner.ts';

const dead = { started: 'at another time' };
/** A laptop with Linux. */
const here: Owner = { ...thisOwner(), host: 'laptop', machine: 'm1', boot: thisOwner().boot || 'b1', namespace: 'n1' };

const life = (other: Partial<Owner>, where: 'here' | 'elsewhere', at: Partial<Owner> = {}) =>
  lifeOf({ ...here, ...other }, where, { ...here, ...at });

describe('lifeOf', () => {
  it.each(['here', 'elsewhere'] as const)('knows processes of this boot: what lies %s', (where) => {
    expect(life({}, where)).toBe('going on');
    expect(life(dead, where)).toBe('over');
    expect(life({ ...dead, host: 'called otherwise before' }, where)).toBe('over');
    expect(life({ ...dead, machine: '' }, where)).toBe('over');
    expect(life({ ...dead, pid: Number.NaN }, where)).toBe('unknown');
  });

  it.each(['here', 'elsewhere'] as const)('says nothing of what it can not see: what lies %s', (where) => {
    expect(life({ ...dead, namespace: 'of a container' }, where)).toBe('unknown');
    expect(life({ ...dead, namespace: '' }, where)).toBe('unknown');
    expect(life({ ...dead, machine: 'm2' }, where)).toBe('unknown');
    expect(life({ ...dead, machine: 'm2', boot: 'b2' }, where)).toBe('unknown');
    expect(life({ ...dead, machine: '', boot: 'b2', host: 'container' }, where)).toBe('unknown');
  });

  it('takes an earlier boot for over where the machine is known', () => {
    expect(life({ boot: 'b0' }, 'elsewhere')).toBe('over');
    expect(life({ boot: 'b0', host: 'called otherwise before' }, 'here')).toBe('over');
    expect(life({ boot: 'b0', host: 'called otherwise before' }, 'elsewhere')).toBe('unknown');
    const nameless = { machine: '' };
    expect(life({ ...nameless, boot: 'b0' }, 'here', nameless)).toBe('over');
    expect(life({ ...nameless, boot: 'b0' }, 'elsewhere', nameless)).toBe('unknown');
  });

  it('goes by pids where the system tells nothing else', () => {
    const nothing = { machine: '', boot: '', namespace: '' };
    expect(life({ ...nothing, ...dead }, 'here', nothing)).toBe('over');
    expect(life({ ...nothing, ...dead, host: 'in another network' }, 'here', nothing)).toBe('over');
    expect(life({ ...nothing, ...dead }, 'elsewhere', nothing)).toBe('unknown');
  });

  it('reads what older versions wrote', () => {
    const own = processIdentity()!;
    expect(lifeOf(own, 'elsewhere')).toBe('going on');
    expect(lifeOf({ ...own, ...dead }, 'elsewhere')).toBe('over');
    expect(lifeOf({ ...own, boot: 'an earlier one' }, 'elsewhere')).toBe('over');
  });
});
