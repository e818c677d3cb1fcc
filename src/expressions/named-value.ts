/** A variable as far as expansion cares: the shape of the model's `Variable`, which this folder does not know. */
export interface NamedValue {
  readonly name: string;
  readonly value: string;
  /** The value is taken literally. */
  readonly raw?: boolean;
  /** Whoever refers to it means the path of a file that holds the value. */
  readonly file?: boolean;
  readonly masked?: boolean;
}

/** Variables below and above those that earlier jobs leave; in each list a later one wins. */
export interface NamedValueLayers {
  readonly belowDotenv: readonly NamedValue[];
  readonly aboveDotenv: readonly NamedValue[];
}
